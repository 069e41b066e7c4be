/**
 * An order of rows in which each batch holds rows of like length, so that little of it is padding. Rows are shuffled,
 * then sorted by length inside pools of some batches, and the batches shuffled: which rows meet, and when, stays
 * random; rows of equal length stay in random order.
 */
import { permutation, type Random } from '../core/random.ts';

/** Batches that are sorted together: more give less padding, fewer more mixture. */
const batchesOfPool = 50;

/**
 * @param order rows in random order
 * @param steps length of each row
 * @returns the same rows; what does not fill a batch stays at the end, as it was drawn
 */
export function bucketOrder(order: Uint32Array, steps: Int32Array, batchSize: number, random: Random): Uint32Array {
  const batchCount = Math.floor(order.length / batchSize);
  const whole = batchCount * batchSize;
  const sorted = order.slice();
  const pool = batchesOfPool * batchSize;
  for (let from = 0; from < whole; from += pool) {
    const rows = sorted.subarray(from, Math.min(from + pool, whole));
    rows.set(Array.from(rows).sort((a, b) => (steps[a] as number) - (steps[b] as number)));
  }
  const result = sorted.slice();
  permutation(batchCount, random).forEach((batch, place) => {
    result.set(sorted.subarray(batch * batchSize, (batch + 1) * batchSize), place * batchSize);
  });
  return result;
}

/** Shortest rows first; equal ones as they are. For evaluation, where order does not matter. */
export function orderByLength(steps: Int32Array): Uint32Array {
  return Uint32Array.from(
    Array.from(steps, (_, row) => row).sort((a, b) => (steps[a] as number) - (steps[b] as number)),
  );
}
