import { expect, it } from 'vitest';
import { spreadOf } from '../../src/bench/spread.ts';

it('gives the median and the tenths as NumPy does', () => {
  // numpy.percentile([4, 1, 3, 2, 10], [50, 10, 90])
  expect(spreadOf([4, 1, 3, 2, 10])).toEqual({
    medianMs: 3,
    p10Ms: expect.closeTo(1.4, 12),
    p90Ms: expect.closeTo(7.6, 12),
  });
  expect(spreadOf([7])).toEqual({ medianMs: 7, p10Ms: 7, p90Ms: 7 });
});
