/**
 * The walk through time of a recurrent layer by the kernels, outside a model: what of a layer has an order, without the
 * products before it. Arrays are time first, in the order of reading.
 */
import type { RecurrentLayer } from '../../../../../models/layers.ts';
import { gates } from '../../../../../models/plan.ts';
import { walkThroughTime } from '../recurrence.ts';
import { lanes } from '../workspace.ts';
import { createLone, type Lone, type LoneShape, lonePrefix } from './lone.ts';

export interface LoneRecurrenceInputs {
  /** Inputs times the kernel plus biases, [time, batch, gates · units]. */
  readonly sums: Float32Array;
  /** [units, gates · units] */
  readonly kernel: Float32Array;
  /** Of a GRU with reset after: what is added to h·U, [gates · units]. */
  readonly bias: Float32Array | undefined;
  /** What recurrent dropout multiplies the state by, [batch, units]. */
  readonly dropped: Float32Array | undefined;
  /** States before the first step, the hidden one first, [batch, units] each. */
  readonly initial: readonly Float32Array[];
  /** 0 where a step is skipped, [time, batch]. */
  readonly mask: ArrayLike<number> | undefined;
}

export interface LoneRecurrenceGradients {
  readonly sums: Float32Array;
  readonly kernel: Float32Array;
  readonly bias: Float32Array | undefined;
  readonly initial: readonly Float32Array[];
}

export interface LoneRecurrenceShape extends LoneShape {
  readonly biased: boolean;
  readonly drops: boolean;
}

/** What comes out is the hidden state after each step, [time, batch, units]. */
export type LoneRecurrence = Lone<LoneRecurrenceShape, LoneRecurrenceInputs, Float32Array, LoneRecurrenceGradients>;

/** @throws ENGINE_MISSING without WebAssembly SIMD */
export function createLoneRecurrence(given: RecurrentLayer): LoneRecurrence {
  const layer: RecurrentLayer = { ...given, returnSequences: true };
  const { units } = layer;
  const width = gates[layer.type] * units;
  return createLone((shape, layOut) => {
    const { batch, time, biased, drops } = shape;
    const [kernelName, biasName] = [`${lonePrefix}/recurrent_kernel`, 'bias'];
    const weights = [{ name: kernelName, size: units * width }, ...(biased ? [{ name: biasName, size: width }] : [])];
    const lone = layOut({ weights, largest: batch * time * width });
    const { workspace, load, read } = lone;
    const { groups, positions } = workspace;
    const { rowOf } = workspace.batch;

    /** Step · batch + row of each position. */
    const placeOf = workspace.values(1, positions);
    workspace.onEnter(({ buffer }) => {
      const padded = groups * lanes;
      new Int32Array(buffer, placeOf, positions * lanes).forEach((_, p, all) => {
        all[p] = Math.floor(p / padded) * batch + Math.min(p % padded, batch - 1);
      });
    });
    const sums = workspace.values(width, positions);
    const recurrentMask = drops ? workspace.values(units, groups) : 0;
    const recurrentBias = biased ? workspace.weight(biasName) : 0;
    const recurrentGradient = biased ? workspace.gradient(biasName) : 0;
    const stage = walkThroughTime(
      workspace,
      layer,
      lonePrefix,
      { sums, recurrentMask, recurrentBias, recurrentGradient },
      { direction: 'forward', outputOrder: 'reading' },
    );

    return {
      workspace,
      forward: (inputs) => {
        lone.writeWeights([inputs.kernel, ...(inputs.bias ? [inputs.bias] : [])]);
        load(sums, inputs.sums, placeOf, width, positions);
        for (const [index, { at }] of workspace.initialStates.entries()) {
          load(at, inputs.initial[index] as Float32Array, rowOf, units, groups);
        }
        if (inputs.dropped) load(recurrentMask, inputs.dropped, rowOf, units, groups);
        if (inputs.mask) lone.writeMask(inputs.mask, (row, step) => step * batch + row);
        stage.forward();
      },
      outputs: () => read(stage.output.value, batch * time * units, placeOf, units, positions),
      backward: (dy: Float32Array) => {
        lone.clearGradients();
        load(stage.output.gradient, dy, placeOf, units, positions);
        stage.backward();
        const [kernel, bias] = lone.weightGradients() as [Float32Array, Float32Array?];
        return {
          sums: read(sums, batch * time * width, placeOf, width, positions),
          kernel,
          bias,
          initial: stage.last.map(({ gradient }) => read(gradient, batch * units, rowOf, units, groups)),
        };
      },
    };
  });
}
