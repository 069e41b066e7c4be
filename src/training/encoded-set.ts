/** Encoded examples, and batches cut from them. */
import type { Encoder } from '../../models/text/encoder.ts';
import type { Example } from '../data/dataset.ts';
import type { Batch } from './engine.ts';

export interface EncodedSet {
  readonly rows: number;
  readonly time: number;
  readonly ids: Int32Array; // [rows, time]
  readonly targets: Int32Array; // [rows]
}

export interface EncodedExamples extends EncodedSet {
  /** Ids of each text before padding and truncating, [rows]. */
  readonly lengths: Int32Array;
}

export function encodeExamples(encoder: Encoder, examples: readonly Example[]): EncodedExamples {
  const { ids, rows, time, lengths } = encoder.encodeAll(examples.map(({ text }) => text));
  return { ids, rows, time, lengths, targets: Int32Array.from(examples, ({ label }) => label) };
}

/**
 * Cuts `set` into batches of `size` rows, the last one smaller. One buffer serves all of them, so a batch is only
 * valid until the next one is taken.
 *
 * @param order rows in the order to take; default: as they are
 */
export function* batches(set: EncodedSet, size: number, order?: Uint32Array): Generator<Batch> {
  const { time } = set;
  const ids = new Int32Array(size * time);
  const targets = new Int32Array(size);
  for (let from = 0; from < set.rows; from += size) {
    const rows = Math.min(size, set.rows - from);
    for (let row = 0; row < rows; row++) {
      const source = order ? (order[from + row] as number) : from + row;
      ids.set(set.ids.subarray(source * time, (source + 1) * time), row * time);
      targets[row] = set.targets[source] as number;
    }
    yield { rows, time, ids: ids.subarray(0, rows * time), targets: targets.subarray(0, rows) };
  }
}
