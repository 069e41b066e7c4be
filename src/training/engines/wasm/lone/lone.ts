/**
 * What the kernels compute outside a model: forward and, from gradients of what came out, back. Arrays go in and come
 * out; inside they lie in lanes.
 *
 * Each has a memory of its own, so what its way back needs stays there until its next call. Where that comes first,
 * because a layer stands twice in a model, the forward pass is done again.
 */
import { fail } from '../../../../core/errors.ts';
import { type Address, availableBuilds, firstFree, loadKernelsAtOnce } from '../kernels.ts';
import { reserveMemory } from '../reserve-memory.ts';
import { lanes, type PlannedWorkspace, planWorkspace } from '../workspace.ts';

export interface LoneShape {
  readonly batch: number;
  readonly time: number;
  readonly masked: boolean;
}

/** `Given`: gradients of the outputs. */
export interface Lone<Shape, Inputs, Outputs, Gradients, Given = Outputs> {
  forward(shape: Shape, inputs: Inputs): Outputs;
  /** @param inputs those of the forward pass, unchanged */
  backward(shape: Shape, inputs: Inputs, given: Given): Gradients;
}

/** One shape of batch, laid out. */
export interface LonePlan<Inputs, Outputs, Gradients, Given> {
  readonly workspace: PlannedWorkspace;
  readonly forward: (inputs: Inputs) => void;
  readonly outputs: () => Outputs;
  readonly backward: (given: Given) => Gradients;
}

/** Where a plan lies, and its doors. */
export interface LoneWorkspace {
  readonly workspace: PlannedWorkspace;
  readonly writeWeights: (values: readonly Float32Array[]) => void;
  /** Zero before the way back, as the gradients of the workspace. */
  readonly clearGradients: () => void;
  readonly weightGradients: () => Float32Array[];
  /** @param index row of `values`, [rows, columns], of each lane of `groups` groups */
  readonly load: (to: Address, values: Float32Array, index: Address, columns: number, groups: number) => void;
  /** The way back of `load`. @param size of the values */
  readonly read: (from: Address, size: number, index: Address, columns: number, groups: number) => Float32Array;
  /** @param mask 0 where a step is skipped @param at its place for a row and a step */
  readonly writeMask: (mask: ArrayLike<number>, at: (row: number, step: number) => number) => void;
}

/** Name of the layer in the workspace: its weights are `layer/kernel` and so on. */
export const lonePrefix = 'layer';

export interface LoneLoad {
  /** In the order of `writeWeights`. */
  readonly weights: readonly { readonly name: string; readonly size: number }[];
  /** The largest array that goes in or comes out. */
  readonly largest: number;
}

/**
 * @param plan lays out one shape of batch
 * @throws ENGINE_MISSING without WebAssembly SIMD
 */
export function createLone<Shape extends LoneShape, Inputs extends object, Outputs, Gradients, Given>(
  plan: (shape: Shape, layOut: (load: LoneLoad) => LoneWorkspace) => LonePlan<Inputs, Outputs, Gradients, Given>,
): Lone<Shape, Inputs, Outputs, Gradients, Given> {
  const [build] = availableBuilds();
  if (!build) return fail('ENGINE_MISSING', 'the kernels need WebAssembly SIMD', 'Use TensorFlow.js’ own layer.');
  const { memory, kernels } = loadKernelsAtOnce(build);
  const floats = (at: Address, size: number) => new Float32Array(memory.buffer, at, size);

  function layOutFor({ batch, time, masked }: LoneShape, { weights, largest }: LoneLoad): LoneWorkspace {
    let free = firstFree;
    const claim = (size: number) => {
      const at = free;
      free += 64 * Math.ceil((4 * size) / 64);
      return at;
    };
    const places = new Map<string, { readonly weight: Address; readonly gradient: Address; readonly size: number }>();
    for (const { name, size } of weights) places.set(name, { weight: claim(size), gradient: claim(size), size });
    const workspace = planWorkspace({
      kernels,
      share: { rows: batch, time, firstRow: 0 },
      vocabularySize: 1,
      masks: masked,
      begin: free,
      weight: (name) => places.get(name)?.weight as Address,
      gradient: (name) => places.get(name)?.gradient as Address,
    });
    const { groups, positions } = workspace;
    /** 1, and 0 for the lanes that only fill up the last group. */
    const real = workspace.values(1, positions);
    const table = workspace.reserve(largest);
    workspace.onEnter(() => {
      floats(real, positions * lanes).forEach((_, place, all) => {
        all[place] = place % (groups * lanes) < batch ? 1 : 0;
      });
    });

    return {
      workspace,
      writeWeights: (values) => {
        for (const [index, { weight, size }] of [...places.values()].entries()) {
          floats(weight, size).set(values[index] as Float32Array);
        }
      },
      clearGradients: () => {
        workspace.clearGradients();
        for (const { gradient, size } of places.values()) kernels.fill(gradient, 0, 4 * size);
      },
      weightGradients: () => [...places.values()].map(({ gradient, size }) => floats(gradient, size).slice()),
      load: (to, values, index, columns, ofGroups) => {
        floats(table, values.length).set(values);
        kernels.gather(to, table, index, real, 0, columns, ofGroups);
      },
      read: (from, size, index, columns, ofGroups) => {
        kernels.fill(table, 0, 4 * size);
        kernels.scatterAdd(table, from, index, real, columns, ofGroups);
        return floats(table, size).slice();
      },
      writeMask: (mask, at) => {
        const padded = groups * lanes;
        const to = new Int32Array(memory.buffer, workspace.batch.mask, positions * lanes);
        for (let step = 0; step < time; step++) {
          for (let lane = 0; lane < padded; lane++) {
            to[step * padded + lane] = mask[at(Math.min(lane, batch - 1), step)] ? -1 : 0; // the last row fills up
          }
        }
      },
    };
  }

  type Laid = LonePlan<Inputs, Outputs, Gradients, Given>;
  const plans = new Map<string, Laid>();
  let entered: Laid | undefined;
  /** Whose forward pass still lies in the memory. */
  let held: Inputs | undefined;

  function planFor(shape: Shape): Laid {
    const key = JSON.stringify(shape);
    const laid = plans.get(key) ?? layOutPlan(shape);
    plans.set(key, laid);
    if (laid !== entered) laid.workspace.enter(memory);
    entered = laid;
    return laid;
  }

  function layOutPlan(shape: Shape): Laid {
    const laid = plan(shape, (load) => layOutFor(shape, load));
    reserveMemory(memory, laid.workspace.end(), `a recurrent layer over ${shape.batch} × ${shape.time} steps`);
    return laid;
  }

  return {
    forward(shape, inputs) {
      const laid = planFor(shape);
      laid.forward(inputs);
      held = inputs;
      return laid.outputs();
    },
    backward(shape, inputs, given) {
      const laid = planFor(shape);
      if (held !== inputs) laid.forward(inputs);
      held = undefined; // gradients take the place of what they were computed from
      return laid.backward(given);
    },
  };
}
