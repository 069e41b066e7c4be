/** What is trained in a benchmark: a model with its starting weights, and the batches of its steps. */
import type { Layer, ModelSpec, RecurrentLayer } from '../../../models/layers.ts';
import { gates, planModel } from '../../../models/plan.ts';
import type { Weights } from '../../../models/weights.ts';
import type { Batch } from '../../training/engine.ts';

/** Where the token ids come from: real texts hold few different words, uniform ids are the worst case. */
export type IdsKind = 'imdb' | 'spam' | 'uniform';

export interface Problem {
  /** `A`, `B`, `C`, or the name of a model of the zoo. */
  readonly shape: string;
  readonly layer: RecurrentLayer['type'];
  readonly ids: IdsKind;
  readonly spec: ModelSpec;
  readonly weights: Weights;
  /** All of one size; the steps go round them. */
  readonly batches: readonly Batch[];
}

/** The same model without dropout: for contenders that draw masks of their own, which cannot be compared. */
export function withoutDropout(problem: Problem): Problem {
  if (!problem.spec.layers.some(drops)) return problem;
  return { ...problem, spec: { ...problem.spec, layers: problem.spec.layers.map(undropped) } };
}

function drops(layer: Layer): boolean {
  if (layer.type === 'bidirectional') return drops(layer.layer);
  if (layer.type === 'dropout') return layer.rate > 0;
  return 'recurrentDropout' in layer && (layer.dropout > 0 || layer.recurrentDropout > 0);
}

function undropped<L extends Layer>(layer: L): L {
  if (layer.type === 'bidirectional') return { ...layer, layer: undropped(layer.layer) };
  if (layer.type === 'dropout') return { ...layer, rate: 0 };
  return 'recurrentDropout' in layer ? { ...layer, dropout: 0, recurrentDropout: 0 } : layer;
}

/**
 * Floating-point operations of a step that no algorithm avoids, a multiply-add being two: of each recurrent layer the
 * product with the recurrent kernel, its gradient and the kernel's gradient, and the same for the inputs, of which an
 * embedding or one-hot layer gives no more than there are different ids in the batch.
 */
export function usefulFlops({ spec, batches }: Pick<Problem, 'spec' | 'batches'>): number {
  const [{ rows, time }] = batches as [Batch];
  const unique = batches.reduce((sum, { ids }) => sum + new Set(ids).size, 0) / batches.length;
  let positions = unique;
  let flops = 0;
  for (const { layer, input } of planModel(spec).layers) {
    if (layer.type !== 'simpleRnn' && layer.type !== 'lstm' && layer.type !== 'gru') continue;
    const width = gates[layer.type] * layer.units;
    const features = input.kind === 'sequence' ? input.features : 0;
    flops += 6 * rows * time * layer.units * width + 6 * positions * features * width;
    positions = rows * time;
  }
  return flops;
}

export function firstRows({ time, ids, targets }: Batch, rows: number): Batch {
  return { rows, time, ids: ids.subarray(0, rows * time), targets: targets.subarray(0, rows) };
}
