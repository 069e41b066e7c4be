import fc from 'fast-check';
import { expect, test } from 'vitest';
import { toleranceBetween, tolerances } from '../../src/parity/tolerances.ts';

test('a logit within tolerance keeps the probability within its own', () => {
  const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
  const { logit, probability } = tolerances.float32;
  fc.assert(
    fc.property(fc.double({ min: -30, max: 30, noNaN: true }), fc.constantFrom(-1, 1), (x, sign) => {
      const moved = x + sign * logit * Math.max(1, Math.abs(x));
      expect(Math.abs(sigmoid(moved) - sigmoid(x))).toBeLessThanOrEqual(probability * (1 + 1e-9));
    }),
    { numRuns: 2000 },
  );
});

test('every pair has a row', () => {
  expect(toleranceBetween('reference', 'js')).toBe('float32');
  expect(toleranceBetween('onnxruntime', 'reference')).toBe('float32');
  expect(toleranceBetween('wasm', 'tensorflow')).toBe('float32');
});
