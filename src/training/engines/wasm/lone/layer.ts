/** One recurrent layer by the kernels, outside a model. Arrays are batch first, as TensorFlow.js has them. */
import type { RecurrentLayer } from '../../../../../models/layers.ts';
import { recurrentParameters } from '../../../../../models/plan.ts';
import { sizeOf } from '../../../../../models/weights.ts';
import type { StepAddress } from '../../../engine.ts';
import { recur } from '../recurrence.ts';
import { denseSequence } from '../signal.ts';
import { createLone, type Lone, type LoneShape, lonePrefix } from './lone.ts';

export interface LoneLayerInputs {
  /** [batch, time, features] */
  readonly x: Float32Array;
  /** Kernel, recurrent kernel and, if there is one, bias. */
  readonly weights: readonly Float32Array[];
  /** States before the first step, the hidden one first, [batch, units] each. */
  readonly initial: readonly Float32Array[];
  /** 0 where a step is skipped, [batch, time]. */
  readonly mask: ArrayLike<number> | undefined;
  /** Of the dropout masks; undefined: nothing is dropped. */
  readonly address: StepAddress | undefined;
}

export interface LoneLayerOutputs {
  /** [batch, time, units] with `returnSequences`, in the order of reading. */
  readonly sequence: Float32Array | undefined;
  /** States after the last step, the hidden one first, [batch, units] each. */
  readonly last: readonly Float32Array[];
}

/** Gradients of the outputs; undefined: zero. */
export interface LoneLayerGiven {
  readonly sequence: Float32Array | undefined;
  readonly last: readonly (Float32Array | undefined)[];
}

export interface LoneLayerGradients {
  readonly x: Float32Array;
  readonly weights: readonly Float32Array[];
  readonly initial: readonly Float32Array[];
}

export interface LoneLayerShape extends LoneShape {
  readonly features: number;
}

export type LoneLayer = Lone<LoneLayerShape, LoneLayerInputs, LoneLayerOutputs, LoneLayerGradients, LoneLayerGiven>;

/** @param stream of the dropout masks @throws ENGINE_MISSING without WebAssembly SIMD */
export function createLoneLayer(layer: RecurrentLayer, stream: number): LoneLayer {
  const { units } = layer;
  return createLone((shape, layOut) => {
    const { batch, time, features } = shape;
    const weights = recurrentParameters(layer, features, lonePrefix).map(({ name, shape }) => ({
      name,
      size: sizeOf(shape),
    }));
    const lone = layOut({ weights, largest: batch * time * Math.max(features, units) });
    const { workspace, load, read } = lone;
    const { groups, positions } = workspace;
    const { rowOf, drawnOf } = workspace.batch;

    const input = denseSequence(workspace, features);
    const stage = recur(workspace, layer, lonePrefix, input, {
      direction: layer.goBackwards ? 'backward' : 'forward',
      outputOrder: 'reading',
      stream,
    });
    const states = (from: readonly number[]) => from.map((at) => read(at, batch * units, rowOf, units, groups));

    return {
      workspace,
      forward: ({ x, weights, initial, mask, address }) => {
        lone.writeWeights(weights);
        load(input.value, x, drawnOf, features, positions);
        for (const [index, { at }] of workspace.initialStates.entries()) {
          load(at, initial[index] as Float32Array, rowOf, units, groups);
        }
        if (mask) lone.writeMask(mask, (row, step) => row * time + step);
        workspace.pass.address = address;
        stage.forward();
      },
      outputs: () => ({
        sequence:
          stage.output.kind === 'dense'
            ? read(stage.output.value, batch * time * units, drawnOf, units, positions)
            : undefined,
        last: states(stage.last.map(({ value }) => value)),
      }),
      backward: (given: LoneLayerGiven) => {
        lone.clearGradients();
        if (given.sequence) load(stage.output.gradient, given.sequence, drawnOf, units, positions);
        for (const [index, { gradient }] of stage.last.entries()) {
          const one = given.last[index];
          if (one) load(gradient, one, rowOf, units, groups);
        }
        stage.backward();
        return {
          x: read(input.gradient, batch * time * features, drawnOf, features, positions),
          weights: lone.weightGradients(),
          initial: states(stage.last.map(({ gradient }) => gradient)),
        };
      },
    };
  });
}
