import { describe, expect, test } from 'vitest';
import { createLegacyRandom } from '../../../src/data/imdb/numpy-random.ts';
import drawn from '../../fixtures/numpy-random.json' with { type: 'json' };

describe.each(drawn)('RandomState($seed)', ({ seed, permutations, shuffles }) => {
  test('permutations, one after the other', () => {
    const random = createLegacyRandom(seed);
    for (const { n, first, last, weightedSum } of permutations) {
      const values = [...random.permutation(n)];
      expect(values.slice(0, 20)).toEqual(first);
      expect(values.slice(-20)).toEqual(last);
      expect(values.reduce((sum, value, index) => (sum + value * (index + 1)) % 2 ** 31, 0)).toBe(weightedSum);
      expect([...values].sort((a, b) => a - b)).toEqual([...values.keys()]);
    }
  });

  test('two shuffles by one generator', () => {
    const random = createLegacyRandom(seed);
    for (const expected of shuffles) {
      const values = Int32Array.from(expected.keys(), (index) => index * index);
      random.shuffle(values);
      expect([...values]).toEqual(expected);
    }
  });
});
