import { expect } from 'vitest';

/** The largest absolute difference of two lists, which must be of the same length. Infinite where one has NaN. */
export function largestDifference(got: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(got.length).toBe(expected.length);
  return Array.from(expected).reduce((most, value, i) => {
    const difference = Math.abs(value - (got[i] as number));
    return Number.isNaN(difference) ? Number.POSITIVE_INFINITY : Math.max(most, difference);
  }, 0);
}
