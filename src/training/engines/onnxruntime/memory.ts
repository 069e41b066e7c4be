/** What the engine holds, worked out from the spec alone: an upper bound, as onnxruntime plans its own memory. */
import type { RecurrentLayer } from '../../../../models/layers.ts';
import { countParameters, gates, type ModelPlan, planModel, recurrencesOf } from '../../../../models/plan.ts';
import type { EngineLoad, MemoryPart } from '../../engine.ts';
import { momentNames } from '../../optimisers.ts';
import { adjustsGradients } from '../../step-options.ts';
import { placeParameters } from './parameter-memory.ts';

/** Values that a step of one row leaves for the way back and for the products after it, by unit. */
const keptPerUnit = { simpleRnn: 3, lstm: 11, gru: 12 } as const satisfies Record<RecurrentLayer['type'], number>;

/** onnxruntime takes memory in powers of two, and a thread brings its own JavaScript heap and kernels. */
const slack = 2;
const perThread = 48 * 2 ** 20;

export function engineMemory(load: EngineLoad): readonly MemoryPart[] {
  const { spec, threads, rows, time } = load;
  const plan = planModel(spec);
  const { all, whole } = countValues(plan);
  const share = Math.ceil(rows / threads) * time;
  const unique = Math.min(share, plan.vocabularySize);

  const values = plan.layers.reduce((sum, { layer, input }) => {
    const features = input.kind === 'ids' ? 0 : input.features;
    const recurrences = recurrencesOf(layer).map((recurrence) => recurrence.layer);
    const kept = recurrences.reduce((all, { type, units }) => all + units * (keptPerUnit[type] + 2), 0);
    const width = recurrences.reduce((all, { type, units }) => all + units * gates[type], 0);
    // A recurrent layer on one-hot rows reads rows of its kernel: nothing as wide as the vocabulary is written out.
    const looksUp = recurrences.length > 0 && features === plan.vocabularySize;
    const wide = input.kind === 'sequence' && !looksUp ? 3 * features : 0;
    return sum + share * (kept + wide + width) + unique * (2 * width + 3 * Math.min(features, plan.vocabularySize));
  }, 0);
  const ofThread = 4 * slack * (values + 2 * whole) + perThread;
  return [
    { what: 'weights, moments and gradients', bytes: parameterSpace(load) },
    { what: 'states and products of a step', bytes: Math.ceil(threads * ofThread) },
    ...(adjustsGradients(load.stepOptions ?? {}) ? [{ what: 'gradients of tables', bytes: 4 * (all - whole) }] : []),
  ];
}

/** Bytes that must lie within reach of the kernels, the fillings of cache lines apart. */
export function parameterSpace({ spec, optimiser, threads }: EngineLoad): number {
  const { all, whole } = countValues(planModel(spec));
  return placeParameters({ length: all, wholeLength: whole }, momentNames(optimiser).length, threads).end;
}

/** Values of all parameters, and of those whose gradients are not rows. */
function countValues(plan: ModelPlan): { readonly all: number; readonly whole: number } {
  const all = countParameters(plan);
  return { all, whole: all - countParameters(plan.layers[0] ?? { parameters: [] }) };
}
