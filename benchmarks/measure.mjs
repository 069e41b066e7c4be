/** What benchmarks say of repeated timings, and of the machine. */
import { availableParallelism, cpus } from 'node:os';

/** @param {readonly number[]} values */
export const median = (values) => quantile(values, 0.5);

/** @param {readonly number[]} values @param {number} share the value at this place of the sorted ones */
export function quantile(values, share) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.round(share * (sorted.length - 1))] ?? Number.NaN;
}

/** The median, and how far the middle eight tenths reach. @param {readonly number[]} values */
export function spreadOf(values) {
  return { median: median(values), p10: quantile(values, 0.1), p90: quantile(values, 0.9) };
}

/** In one line. */
export const machine = `${cpus()[0]?.model.trim()}, ${availableParallelism()} cores, Node ${process.versions.node}`;
