/** How good the model of an engine is over a whole set, without dropout. */
import type { Side } from '../../models/text/preprocessing.ts';
import { type BatchOptions, batches, unpaddedSteps } from './batches.ts';
import { createBreather } from './breather.ts';
import { orderByLength } from './bucket-order.ts';
import type { EncodedSet } from './encoded-set.ts';
import type { Engine } from './engine.ts';
import { createScore, type Metrics } from './metrics.ts';

/** Stops early when `signal` aborts: the caller then throws the figures away. */
export async function evaluateSet(
  engine: Engine,
  set: EncodedSet,
  options: { readonly batchSize: number; readonly signal?: AbortSignal | undefined } & BatchOptions,
): Promise<Metrics> {
  const { batchSize, signal } = options;
  const breathe = createBreather();
  const score = createScore(set.rows);
  for (const batch of batches(set, batchSize, options)) {
    score.add(await engine.evaluate(batch), batch.targets);
    await breathe();
    if (signal?.aborted) break;
  }
  return score.metrics();
}

/** How to evaluate `set` with a model that masks padding: rows of like length together, their common padding cut. */
export function withoutPadding(set: EncodedSet, padding: Side): BatchOptions {
  const steps = unpaddedSteps(set, padding);
  return { order: orderByLength(steps), cut: { padding, steps } };
}
