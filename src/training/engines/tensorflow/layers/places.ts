/**
 * Masks as two lookups. A masked step carries the state over, so a row does the same as if its unmasked steps stood
 * side by side at the front: the first lookup puts them there, then the layer runs without a mask, and the second finds
 * the state after each step of the original. What follows a row's last step is read by nobody.
 */
import type { Tensor2D } from '@tensorflow/tfjs-core';

export interface Places {
  /** Where each step is taken from: step · batch + row in the order of reading, [time, batch]. */
  readonly sources: Int32Array;
  /** Steps that have been taken by each step: (count) · batch + row, where 0 is the state before the first, [time, batch]. */
  readonly readers: Int32Array;
  /** 1 until the row has ended, [time, batch]. */
  readonly alive: Float32Array;
}

/** @param mask [batch, time], false where a step is skipped @param backwards the last step is read first */
export function placesOf(mask: Tensor2D, backwards: boolean): Places {
  const [batch, time] = mask.shape;
  const values = mask.dataSync();
  const sources = Int32Array.from({ length: time * batch }, (_, place) => place);
  const readers = new Int32Array(time * batch);
  const alive = new Float32Array(time * batch);
  for (let row = 0; row < batch; row++) {
    let count = 0;
    for (let s = 0; s < time; s++) {
      if (values[row * time + (backwards ? time - 1 - s : s)]) {
        sources[count * batch + row] = s * batch + row;
        alive[count * batch + row] = 1;
        count++;
      }
      readers[s * batch + row] = count * batch + row;
    }
  }
  return { sources, readers, alive };
}
