/** What the engine holds, worked out from the spec alone: an upper bound, as onnxruntime plans its own memory. */
import type { Layer, RecurrentLayer } from '../../../../models/layers.ts';
import { gates, planModel } from '../../../../models/plan.ts';
import { sizeOf } from '../../../../models/weights.ts';
import type { EngineLoad, MemoryPart } from '../../engine.ts';
import { momentNames } from '../../optimisers.ts';

/** Values that a step of one row leaves for the way back and for the products after it, by unit. */
const keptPerUnit = { simpleRnn: 3, lstm: 11, gru: 12 } as const satisfies Record<RecurrentLayer['type'], number>;

/** onnxruntime takes memory in powers of two, and a thread brings its own JavaScript heap and kernels. */
const slack = 2;
const perThread = 48 * 2 ** 20;

export function engineMemory({ spec, optimiser, threads, rows, time }: EngineLoad): readonly MemoryPart[] {
  const plan = planModel(spec);
  const parameters = plan.parameters.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  const [first] = plan.layers;
  const table = first?.parameters.reduce((sum, { shape }) => sum + sizeOf(shape), 0) ?? 0;
  const share = Math.ceil(rows / threads) * time;
  const unique = Math.min(share, plan.vocabularySize);

  const values = plan.layers.reduce((sum, { layer, input }) => {
    const features = input.kind === 'ids' ? 0 : input.features;
    const recurrent = recurrentOf(layer);
    const kept =
      recurrent === undefined ? 0 : directionsOf(layer) * recurrent.units * (keptPerUnit[recurrent.type] + 2);
    const width = recurrent === undefined ? 0 : directionsOf(layer) * gates[recurrent.type] * recurrent.units;
    const wide = input.kind === 'sequence' && !looksUp(layer, features, plan.vocabularySize) ? 3 * features : 0;
    return sum + share * (kept + wide + width) + unique * (2 * width + 3 * Math.min(features, plan.vocabularySize));
  }, 0);
  const ofThread = 4 * slack * (values + 2 * (parameters - table)) + perThread;
  return [
    { what: 'weights and moments', bytes: 4 * parameters * (1 + momentNames(optimiser).length) },
    { what: 'states, gradients and products of a step', bytes: Math.ceil(threads * ofThread) },
  ];
}

function recurrentOf(layer: Layer): RecurrentLayer | undefined {
  if (layer.type === 'bidirectional') return layer.layer;
  return layer.type === 'simpleRnn' || layer.type === 'lstm' || layer.type === 'gru' ? layer : undefined;
}

function directionsOf(layer: Layer): number {
  return layer.type === 'bidirectional' ? 2 : 1;
}

/** A recurrent layer on one-hot rows reads rows of its kernel: nothing as wide as the vocabulary is written out. */
function looksUp(layer: Layer, features: number, vocabularySize: number): boolean {
  return recurrentOf(layer) !== undefined && features === vocabularySize;
}
