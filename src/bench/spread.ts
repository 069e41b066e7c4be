import { quantileSorted } from 'd3-array';

/** What is said of repeated timings: the median, and how far the middle eight tenths of them reach. */
export interface Spread {
  readonly medianMs: number;
  readonly p10Ms: number;
  readonly p90Ms: number;
}

/** @param times milliseconds of single steps, at least one */
export function spreadOf(times: readonly number[]): Spread {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number) => quantileSorted(sorted, share) ?? Number.NaN;
  return { medianMs: at(0.5), p10Ms: at(0.1), p90Ms: at(0.9) };
}
