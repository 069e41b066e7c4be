/** Loss and accuracy of an engine over a whole set, without dropout. */
import type { Side } from '../../models/text/preprocessing.ts';
import { type BatchOptions, batches, unpaddedSteps } from './batches.ts';
import { createBreather } from './breather.ts';
import { orderByLength } from './bucket-order.ts';
import type { EncodedSet } from './encoded-set.ts';
import type { Engine } from './engine.ts';

export interface Evaluated {
  /** Mean over the rows. */
  readonly loss: number;
  /** Share of rows whose most probable class is the right one. */
  readonly accuracy: number;
}

/** Stops early when `signal` aborts: the caller then throws the figures away. */
export async function evaluateSet(
  engine: Engine,
  set: EncodedSet,
  options: { readonly batchSize: number; readonly signal?: AbortSignal | undefined } & BatchOptions,
): Promise<Evaluated> {
  const { batchSize, signal } = options;
  const breathe = createBreather();
  let lossSum = 0;
  let correct = 0;
  for (const batch of batches(set, batchSize, options)) {
    const result = await engine.evaluate(batch);
    lossSum += result.loss * batch.rows;
    correct += result.correct;
    await breathe();
    if (signal?.aborted) break;
  }
  return { loss: lossSum / set.rows, accuracy: correct / set.rows };
}

/** How to evaluate `set` with a model that masks padding: rows of like length together, their common padding cut. */
export function withoutPadding(set: EncodedSet, padding: Side): BatchOptions {
  const steps = unpaddedSteps(set, padding);
  return { order: orderByLength(steps), cut: { padding, steps } };
}
