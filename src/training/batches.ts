/** Batches cut from encoded examples. */
import type { Side } from '../../models/text/preprocessing.ts';
import type { EncodedSet } from './encoded-set.ts';
import type { Batch } from './engine.ts';

export interface BatchOptions {
  /** Rows in the order to take. Default: as they are. */
  readonly order?: Uint32Array | undefined;
  /** Takes away the padding that all rows of a batch have in common. Only where the model masks it does the result stay the same. */
  readonly cut?: { readonly padding: Side; readonly steps: Int32Array } | undefined;
}

/**
 * Cuts `set` into batches of `size` rows, the last one smaller. One buffer serves all of them, so a batch is only
 * valid until the next one is taken.
 */
export function* batches(set: EncodedSet, size: number, { order, cut }: BatchOptions = {}): Generator<Batch> {
  const largest = Math.min(size, set.rows);
  const ids = new Int32Array(largest * set.time);
  const targets = new Int32Array(largest);
  const rowAt = (place: number) => (order ? (order[place] as number) : place);
  for (let from = 0; from < set.rows; from += size) {
    const rows = Math.min(size, set.rows - from);
    let time = cut ? 1 : set.time;
    for (let row = 0; cut && row < rows; row++) time = Math.max(time, cut.steps[rowAt(from + row)] as number);
    const skipped = cut?.padding === 'pre' ? set.time - time : 0;
    for (let row = 0; row < rows; row++) {
      const source = rowAt(from + row);
      const begin = source * set.time + skipped;
      ids.set(set.ids.subarray(begin, begin + time), row * time);
      targets[row] = set.targets[source] as number;
    }
    yield { rows, time, ids: ids.subarray(0, rows * time), targets: targets.subarray(0, rows) };
  }
}

/** Steps of each row without its padding, one or more, [rows]. @param padding the side where zeros were added */
export function unpaddedSteps({ ids, rows, time }: EncodedSet, padding: Side): Int32Array {
  return Int32Array.from({ length: rows }, (_, row) => {
    const from = row * time;
    let steps = time;
    const outermost = () => ids[padding === 'pre' ? from + time - steps : from + steps - 1];
    while (steps > 1 && outermost() === 0) steps--;
    return steps;
  });
}
