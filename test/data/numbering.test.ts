import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createNumbering } from '../../src/data/numbering.ts';

test('equal pairs have one number, different ones different numbers, in the order of their first use', () => {
  const pair = fc.tuple(
    fc.oneof(fc.nat(3), fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER })),
    fc.oneof(fc.nat(2000), fc.nat(2 ** 31 - 1)),
  );
  fc.assert(
    fc.property(fc.array(pair, { maxLength: 5000, size: 'max' }), (pairs) => {
      const known = new Map<string, number>();
      const { numberOf } = createNumbering();
      for (const [high, low] of pairs) {
        const expected = known.get(`${high} ${low}`) ?? known.size;
        known.set(`${high} ${low}`, expected);
        if (numberOf(high, low) !== expected) expect.unreachable(`${high} ${low}`);
      }
    }),
    { numRuns: 30 },
  );
});
