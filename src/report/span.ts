import { extent } from 'd3-array';

/**
 * From the least to the most, for a scale; around a single value, or values that differ by rounding only, as much as
 * makes one. Undefined where there is nothing.
 */
export function spanOf(values: Iterable<number>): readonly [number, number] | undefined {
  const [least, most] = extent(values);
  if (least === undefined || most === undefined) return undefined;
  const size = Math.max(Math.abs(least), Math.abs(most));
  if (most - least > 1e-12 * size && size > 1e-100) return [least, most];
  const more = size > 1e-100 ? size / 10 : 1;
  return [least - more, most + more];
}
