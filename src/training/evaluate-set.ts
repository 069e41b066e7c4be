/** Loss and accuracy of an engine over a whole set, without dropout. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { batches, type EncodedSet } from './encoded-set.ts';
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
  { batchSize, signal }: { readonly batchSize: number; readonly signal?: AbortSignal | undefined },
): Promise<Evaluated> {
  let lossSum = 0;
  let correct = 0;
  for (const batch of batches(set, batchSize)) {
    const result = await engine.evaluate(batch);
    lossSum += result.loss * batch.rows;
    correct += result.correct;
    await nextTurn();
    if (signal?.aborted) break;
  }
  return { loss: lossSum / set.rows, accuracy: correct / set.rows };
}
