import { fail } from '../core/errors.ts';

/** How long texts are, in ids before padding and truncating. */
export interface LengthStatistics {
  /** The shortest. */
  readonly min: number;
  /** Of all. */
  readonly mean: number;
  /** Half of the texts are at most this long. */
  readonly median: number;
  /** 90 % of the texts are at most this long. */
  readonly p90: number;
  /** 95 % of the texts are at most this long. */
  readonly p95: number;
  /** The longest. */
  readonly max: number;
  /** Share of the texts that are longer than the model reads: they are truncated. */
  readonly truncated: number;
}

/**
 * Quantiles lie between the two nearest lengths, in proportion, as NumPy's do by default.
 *
 * @param lengths one or more
 * @throws DATA_INVALID when there is none
 */
export function lengthStatistics(lengths: Int32Array, maxLength: number): LengthStatistics {
  if (lengths.length === 0) fail('DATA_INVALID', 'there are no texts to measure', 'Give one text or more.');
  const sorted = lengths.toSorted();
  const quantile = (share: number) => {
    const place = share * (sorted.length - 1);
    const below = sorted[Math.floor(place)] as number;
    const above = sorted[Math.ceil(place)] as number;
    return below + (above - below) * (place % 1);
  };
  return {
    min: quantile(0),
    mean: sorted.reduce((sum, length) => sum + length, 0) / sorted.length,
    median: quantile(0.5),
    p90: quantile(0.9),
    p95: quantile(0.95),
    max: quantile(1),
    truncated: sorted.filter((length) => length > maxLength).length / sorted.length,
  };
}
