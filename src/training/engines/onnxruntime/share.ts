/** A thread's share of a batch: some of its rows, time-major, with ids replaced by their places among the different ones. */
import type { Batch } from '../../engine.ts';
import { growing, sharedArray } from './shared-array.ts';

export interface Share {
  /** First row of the batch. */
  readonly from: number;
  readonly rows: number;
  readonly time: number;
  /** Which of the different ids stands where, [time, rows]. */
  readonly index: Int32Array;
  /** The different ids, in the order in which they come. */
  readonly unique: Int32Array;
  /** Of each id of the vocabulary its place in `unique`, −1 if it does not occur. Valid until the next share. */
  readonly placeOf: Int32Array;
  /** 1 where the id is not 0, [time, rows]. */
  readonly mask: Uint8Array;
  readonly targets: Int32Array;
}

/** Cuts the share of one thread out of each batch. Arrays are shared and used again. */
export function createShareCutter(vocabularySize: number): (batch: Batch, from: number, to: number) => Share {
  const indexes = growing('int32');
  const uniques = growing('int32');
  const masks = growing('bool');
  const targets = growing('int32');
  const placeOf = sharedArray('int32', vocabularySize).fill(-1);
  let unique = uniques(0);

  return (batch, from, to) => {
    const { time, ids } = batch;
    const rows = to - from;
    for (const id of unique) placeOf[id] = -1;
    const index = indexes(time * rows);
    const mask = masks(time * rows);
    const found = uniques(Math.min(time * rows, vocabularySize));
    let count = 0;
    for (let t = 0; t < time; t++) {
      for (let row = 0; row < rows; row++) {
        const id = ids[(from + row) * time + t] as number;
        let place = placeOf[id] as number;
        if (place < 0) {
          place = count++;
          placeOf[id] = place;
          found[place] = id;
        }
        index[t * rows + row] = place;
        mask[t * rows + row] = id === 0 ? 0 : 1;
      }
    }
    unique = found.subarray(0, count);
    const own = targets(rows);
    own.set(batch.targets.subarray(from, to));
    return { from, rows, time, index, unique, placeOf, mask, targets: own };
  };
}
