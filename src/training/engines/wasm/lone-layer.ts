/**
 * One recurrent layer by the kernels, outside a model: forward and, from gradients of what it gave, back. Arrays go in
 * and come out batch first, as TensorFlow.js has them; inside they lie in lanes.
 *
 * A layer has a memory of its own, so what its way back needs stays there until its next call. Where that comes first,
 * because the layer stands twice in a model, the forward pass is done again.
 */
import type { RecurrentLayer } from '../../../../models/layers.ts';
import { recurrentParameters } from '../../../../models/plan.ts';
import { sizeOf } from '../../../../models/weights.ts';
import { fail } from '../../../core/errors.ts';
import type { StepAddress } from '../../engine.ts';
import { type Address, availableBuilds, loadKernelsAtOnce } from './kernels.ts';
import { denseSequence } from './projection.ts';
import { recur } from './recurrence.ts';
import { reserveMemory } from './reserve-memory.ts';
import { lanes, planWorkspace } from './workspace.ts';

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

export interface LoneLayerGradients {
  readonly x: Float32Array;
  readonly weights: readonly Float32Array[];
  readonly initial: readonly Float32Array[];
}

export interface LoneLayerShape {
  readonly batch: number;
  readonly time: number;
  readonly features: number;
  readonly masked: boolean;
}

export interface LoneLayer {
  forward(shape: LoneLayerShape, inputs: LoneLayerInputs): LoneLayerOutputs;
  /** @param dy gradients of the outputs; undefined: zero @param inputs those of the forward pass, unchanged */
  backward(
    shape: LoneLayerShape,
    inputs: LoneLayerInputs,
    dy: { readonly sequence: Float32Array | undefined; readonly last: readonly (Float32Array | undefined)[] },
  ): LoneLayerGradients;
}

/** The kernels keep their constants before it, and address 0 means "none". */
const first: Address = 4096;
const prefix = 'layer';

/** @param stream of the dropout masks @throws ENGINE_MISSING without WebAssembly SIMD */
export function createLoneLayer(layer: RecurrentLayer, stream: number): LoneLayer {
  const [build] = availableBuilds();
  if (!build) return fail('ENGINE_MISSING', 'the kernels need WebAssembly SIMD', 'Use TensorFlow.js’ own layer.');
  const { memory, kernels } = loadKernelsAtOnce(build);
  const plans = new Map<string, Plan>();
  let entered: Plan | undefined;
  /** Whose forward pass still lies in the memory. */
  let held: LoneLayerInputs | undefined;

  type Plan = ReturnType<typeof plan>;

  function plan(shape: LoneLayerShape) {
    const { batch, time, features, masked } = shape;
    const parameters = recurrentParameters(layer, features, prefix).map(({ name, shape }) => ({
      name,
      size: sizeOf(shape),
    }));
    const places = new Map<string, { readonly weight: Address; readonly gradient: Address }>();
    let free = first;
    const claim = (floats: number) => {
      const at = free;
      free += 64 * Math.ceil((4 * floats) / 64);
      return at;
    };
    for (const { name, size } of parameters) places.set(name, { weight: claim(size), gradient: claim(size) });
    const weight = (name: string) => places.get(name)?.weight as Address;
    const gradient = (name: string) => places.get(name)?.gradient as Address;
    const share = { rows: batch, time, firstRow: 0 };
    const workspace = planWorkspace({
      kernels,
      share,
      vocabularySize: 1,
      masks: masked,
      begin: free,
      weight,
      gradient,
    });
    const { groups, positions, batch: indices } = workspace;

    const input = denseSequence(workspace, features);
    const stage = recur(workspace, layer, prefix, input, {
      direction: layer.goBackwards ? 'backward' : 'forward',
      outputOrder: 'reading',
      maskedOutput: 'repeat',
      stream,
    });
    const initialPlaces = workspace.initialStates.map(({ at }) => at);
    const last = [stage.last.hidden, ...(stage.last.carry ? [stage.last.carry] : [])];
    /** 1, and 0 for the lanes that only fill up the last group. */
    const real = workspace.values(1, positions);
    const table = workspace.reserve(batch * time * Math.max(features, layer.units));
    reserveMemory(memory, workspace.end(), `a recurrent layer over ${batch} × ${time} × ${features} values`);
    const { buffer } = memory;
    const floats = (at: Address, size: number) => new Float32Array(buffer, at, size);
    workspace.onEnter(() => {
      floats(real, positions * lanes).forEach((_, place, all) => {
        all[place] = place % (groups * lanes) < batch ? 1 : 0;
      });
    });

    /** Batch first → lanes. */
    const load = (to: Address, values: Float32Array, index: Address, columns: number, ofGroups: number) => {
      floats(table, values.length).set(values);
      kernels.gather(to, table, index, real, 0, columns, ofGroups);
    };
    /** Lanes → batch first. */
    const read = (from: Address, size: number, index: Address, columns: number, ofGroups: number) => {
      kernels.fill(table, 0, 4 * size);
      kernels.scatterAdd(table, from, index, real, columns, ofGroups);
      return floats(table, size).slice();
    };
    const { drawnOf, rowOf, mask } = indices;
    const states = (from: readonly Address[]) =>
      from.map((at) => read(at, batch * layer.units, rowOf, layer.units, groups));

    return {
      enter: () => workspace.enter(memory),

      forward: ({ x, weights, initial, mask: given, address }: LoneLayerInputs) => {
        for (const [index, { name, size }] of parameters.entries()) {
          floats(weight(name), size).set(weights[index] as Float32Array);
        }
        load(input.value, x, drawnOf, features, positions);
        for (const [index, at] of initialPlaces.entries()) {
          load(at, initial[index] as Float32Array, rowOf, layer.units, groups);
        }
        if (given) writeMask(new Int32Array(buffer, mask, positions * lanes), given, shape, groups);
        workspace.pass.address = address;
        stage.forward();
      },

      outputs: (): LoneLayerOutputs => ({
        sequence:
          stage.output.kind === 'dense'
            ? read(stage.output.value, batch * time * layer.units, drawnOf, layer.units, positions)
            : undefined,
        last: states(last.map(({ value }) => value)),
      }),

      backward: (dy: Parameters<LoneLayer['backward']>[2]): LoneLayerGradients => {
        workspace.clearGradients();
        for (const { name, size } of parameters) kernels.fill(gradient(name), 0, 4 * size);
        if (dy.sequence) load(stage.output.gradient, dy.sequence, drawnOf, layer.units, positions);
        for (const [index, { gradient }] of last.entries()) {
          const given = dy.last[index];
          if (given) load(gradient, given, rowOf, layer.units, groups);
        }
        stage.backward();
        return {
          x: read(input.gradient, batch * time * features, drawnOf, features, positions),
          weights: parameters.map(({ name, size }) => floats(gradient(name), size).slice()),
          initial: states(last.map(({ gradient }) => gradient)),
        };
      },
    };
  }

  function planFor(shape: LoneLayerShape): Plan {
    const key = `${shape.batch} × ${shape.time} × ${shape.features}${shape.masked ? ', masked' : ''}`;
    const known = plans.get(key) ?? plan(shape);
    plans.set(key, known);
    if (known !== entered) known.enter();
    entered = known;
    return known;
  }

  return {
    forward(shape, inputs) {
      const planned = planFor(shape);
      planned.forward(inputs);
      held = inputs;
      return planned.outputs();
    },
    backward(shape, inputs, dy) {
      const planned = planFor(shape);
      if (held !== inputs) planned.forward(inputs);
      held = undefined; // gradients take the place of what they were computed from
      return planned.backward(dy);
    },
  };
}

/** Bits set in each lane of a step that counts, [time][group][lane]; lanes that only fill up repeat the last row. */
function writeMask(to: Int32Array, mask: ArrayLike<number>, { batch, time }: LoneLayerShape, groups: number): void {
  const padded = groups * lanes;
  for (let step = 0; step < time; step++) {
    for (let lane = 0; lane < padded; lane++) {
      to[step * padded + lane] = mask[Math.min(lane, batch - 1) * time + step] ? -1 : 0;
    }
  }
}
