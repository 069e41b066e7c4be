import { expect, test } from 'vitest';
import { lengthStatistics } from '../../src/data/length-statistics.ts';

// Mean and quantiles by NumPy 2.4: np.mean, np.median, np.percentile(lengths, [90, 95]).
test.each([
  { lengths: [5], mean: 5, median: 5, p90: 5, p95: 5, truncated: 0 },
  { lengths: [2, 1], mean: 1.5, median: 1.5, p90: 1.9, p95: 1.95, truncated: 0 },
  {
    lengths: [218, 189, 141, 550, 147, 43, 123, 562, 233, 130, 450],
    mean: 253.27272727272728,
    median: 189,
    p90: 550,
    p95: 556,
    truncated: 4 / 11,
  },
])('of $lengths', ({ lengths, mean, median, p90, p95, truncated }) => {
  const statistics = lengthStatistics(Int32Array.from(lengths), 218);
  expect(statistics.min).toBe(Math.min(...lengths));
  expect(statistics.max).toBe(Math.max(...lengths));
  expect(statistics.truncated).toBe(truncated);
  for (const [name, expected] of Object.entries({ mean, median, p90, p95 })) {
    expect(statistics[name as 'mean'], name).toBeCloseTo(expected, 10);
  }
});

test('of no text are refused', () => {
  expect(() => lengthStatistics(new Int32Array(0), 10)).toThrow(expect.objectContaining({ code: 'DATA_INVALID' }));
});
