import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareOutputs } from '../../src/parity/compare.ts';
import type { Outputs } from '../../src/parity/runner.ts';
import { tolerances } from '../../src/parity/tolerances.ts';

const tolerance = tolerances.float32;

const arbitraryLogit = fc.double({ min: -20, max: 20, noNaN: true });
const arbitraryRow = (outputs: number) => fc.array(arbitraryLogit, { minLength: outputs, maxLength: outputs });
const arbitraryRows = (outputs: number) => fc.array(arbitraryRow(outputs), { minLength: 1, maxLength: 6 });
const arbitraryHead = fc.integer({ min: 1, max: 4 });

/** Two sides of the same size, from unrelated to nearly equal. */
const arbitraryPair = arbitraryHead.chain((outputs) =>
  fc
    .tuple(
      arbitraryRows(outputs),
      fc.constantFrom(0, 1e-7, 1e-5, 1e-2, 10),
      fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 24, maxLength: 24 }),
    )
    .map(([rows, scale, shifts]) => ({
      outputs,
      norm: outputsOf(rows),
      other: outputsOf(
        rows.map((row, r) => row.map((logit, c) => logit + scale * (shifts[r * outputs + c] as number))),
      ),
    })),
);

function outputsOf(rows: readonly (readonly number[])[]): Outputs {
  const probabilities = rows.map((row) => {
    if (row.length === 1) return row.map((logit) => 1 / (1 + Math.exp(-logit)));
    const highest = Math.max(...row);
    const odds = row.map((logit) => Math.exp(logit - highest));
    const total = odds.reduce((sum, odd) => sum + odd, 0);
    return odds.map((odd) => odd / total);
  });
  return { logits: Float64Array.from(rows.flat()), probabilities: Float64Array.from(probabilities.flat()) };
}

/** A binary head with these probabilities. */
function binary(...probabilities: number[]): Outputs {
  return {
    logits: Float64Array.from(probabilities, (p) => Math.log(p / (1 - p))),
    probabilities: Float64Array.from(probabilities),
  };
}

function classes(...rows: number[][]): Outputs {
  const probabilities = Float64Array.from(rows.flat());
  return { logits: probabilities.map(Math.log), probabilities };
}

function changed({ logits, probabilities }: Outputs, key: keyof Outputs, index: number, value: number): Outputs {
  const copy = { logits: logits.slice(), probabilities: probabilities.slice() };
  copy[key][index] = value;
  return copy;
}

describe('compareOutputs', () => {
  test('finds nothing between a side and itself', () => {
    fc.assert(
      fc.property(arbitraryPair, ({ norm, outputs }) => {
        expect(compareOutputs(norm, norm, outputs, tolerance)).toMatchObject({
          probabilityError: { value: 0 },
          logitError: { value: 0 },
          overTolerance: [],
          notFinite: [],
          flips: [],
          ties: [],
        });
      }),
    );
  });

  test('finds the largest errors', () => {
    fc.assert(
      fc.property(arbitraryPair, ({ norm, other, outputs }) => {
        const errors = (key: keyof Outputs) => Array.from(norm[key], (x, i) => Math.abs(x - (other[key][i] as number)));
        const found = compareOutputs(norm, other, outputs, tolerance);
        expect(found.logitError.value).toBe(Math.max(...errors('logits')));
        expect(found.probabilityError.value).toBe(Math.max(...errors('probabilities')));
      }),
    );
  });

  test('finds the same errors from both sides', () => {
    fc.assert(
      fc.property(arbitraryPair, ({ norm, other, outputs }) => {
        const there = compareOutputs(norm, other, outputs, tolerance);
        const back = compareOutputs(other, norm, outputs, tolerance);
        expect(back.probabilityError).toEqual(there.probabilityError);
        expect(back.logitError).toEqual(there.logitError);
        expect([...back.flips, ...back.ties].sort()).toEqual([...there.flips, ...there.ties].sort());
      }),
    );
  });

  test('never passes a flip that is no tie: some probability is over tolerance too', () => {
    fc.assert(
      fc.property(arbitraryPair, ({ norm, other, outputs }) => {
        const { flips, overTolerance } = compareOutputs(norm, other, outputs, tolerance);
        for (const row of flips) expect(overTolerance).toContain(row);
      }),
    );
  });

  test('judges two classes alike with one output and with two', () => {
    // Multiples of 7e-6: near 0 or far from it, but no closer to a threshold than the sigmoid and the softmax round.
    const logit = fc.oneof(fc.integer({ min: -9, max: 9 }), fc.integer({ min: -2e6, max: 2e6 })).map((n) => n * 7e-6);
    const sides = fc.array(fc.tuple(logit), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(sides, sides, (some, others) => {
        const count = Math.min(some.length, others.length);
        const [left, right] = [some.slice(0, count), others.slice(0, count)];
        const one = compareOutputs(outputsOf(left), outputsOf(right), 1, tolerance);
        const pair = (rows: [number][]) => outputsOf(rows.map(([value]) => [0, value]));
        const two = compareOutputs(pair(left), pair(right), 2, tolerance);
        expect({ flips: two.flips, ties: two.ties }).toEqual({ flips: one.flips, ties: one.ties });
        expect(two.smallestMargin).toBeCloseTo(one.smallestMargin, 12);
        expect(two.probabilityError.value).toBeCloseTo(one.probabilityError.value, 12);
      }),
    );
  });

  test('puts NaN and infinities, on either side and in either output, apart from the rest', () => {
    const bad = fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY);
    const place = fc.tuple(fc.boolean(), fc.constantFrom('logits' as const, 'probabilities' as const), fc.nat());
    fc.assert(
      fc.property(arbitraryPair, bad, place, ({ norm, other, outputs }, value, [onNorm, key, at]) => {
        const index = at % norm.logits.length;
        const row = Math.floor(index / outputs);
        const clean = compareOutputs(norm, other, outputs, tolerance);
        const found = onNorm
          ? compareOutputs(changed(norm, key, index, value), other, outputs, tolerance)
          : compareOutputs(norm, changed(other, key, index, value), outputs, tolerance);
        expect(found.notFinite).toEqual([row]);
        expect(found.overTolerance).toEqual(clean.overTolerance.filter((each) => each !== row));
        expect(found.flips).toEqual(clean.flips.filter((each) => each !== row));
        expect(found.ties).toEqual(clean.ties.filter((each) => each !== row));
        for (const { value: error } of [found.probabilityError, found.logitError])
          expect(error).toBeGreaterThanOrEqual(0);
        expect(Number.isFinite(found.probabilityError.value + found.logitError.value)).toBe(true);
      }),
    );
  });

  test('gives the largest errors and where they are', () => {
    const norm = binary(0.2, 0.3, 0.9);
    const other = changed(changed(norm, 'probabilities', 1, 0.301), 'logits', 2, (norm.logits[2] as number) - 3);
    const found = compareOutputs(norm, other, 1, tolerance);
    expect(found.probabilityError.value).toBeCloseTo(0.001, 12);
    expect(found.probabilityError.row).toBe(1);
    expect(found.logitError).toEqual({ value: 3, row: 2 });
    expect(found.overTolerance).toEqual([1, 2]);
    expect(found.smallestMargin).toBeCloseTo(0.2, 12);
    expect(found.flips).toEqual([]);
  });

  test.each([
    ['probabilities', 0, 4.9e-6, []],
    ['probabilities', 0, 5.1e-6, [0]],
    ['logits', 0, 1.9e-5, []], // |logit| < 1: absolute
    ['logits', 0, 2.1e-5, [0]],
    ['logits', 1, 1.9e-4, []], // |logit| = 10: relative
    ['logits', 1, 2.1e-4, [1]],
  ] as const)('holds %s of row %i, off by %d, to the tolerance', (key, row, error, overTolerance) => {
    const norm = outputsOf([[0.5], [10]]);
    const other = changed(norm, key, row, (norm[key][row] as number) + error);
    expect(compareOutputs(norm, other, 1, tolerance).overTolerance).toEqual(overTolerance);
  });

  test.each([
    ['the same side', 0.6, 0.9, [], []],
    ['another side, far from the threshold', 0.6, 0.4, [0], []],
    ['another side, near the threshold for the norm', 0.500004, 0.4, [], [0]],
    ['another side, near the threshold for the other alone', 0.4, 0.500004, [0], []],
    ['one half, which is class 0', 0.5, 0.500001, [], [0]],
    ['one half and below', 0.5, 0.3, [], []],
  ] as const)('sorts %s', (_, norm, other, flips, ties) => {
    expect(compareOutputs(binary(norm), binary(other), 1, tolerance)).toMatchObject({ flips, ties });
  });

  test('sorts flips and ties of several classes by half the lead of the first', () => {
    const norm = classes([0.2, 0.5, 0.3], [0.4, 0.4 - 8e-6, 0.2], [0.4, 0.4 - 12e-6, 0.2], [0.1, 0.2, 0.7]);
    const other = classes([0.2, 0.3, 0.5], [0.4 - 8e-6, 0.4, 0.2], [0.4 - 12e-6, 0.4, 0.2], [0.2, 0.1, 0.7]);
    const found = compareOutputs(norm, other, 3, tolerance);
    expect(found.flips).toEqual([0, 2]);
    expect(found.ties).toEqual([1]);
    expect(found.smallestMargin).toBeCloseTo(4e-6, 12);
  });

  test('holds a sensitive row to its own sensitivity', () => {
    const norm = binary(0.3, 0.3, 0.3, 0.50001);
    const other = { logits: norm.logits, probabilities: Float64Array.of(0.3 + 4e-5, 0.3 + 6e-5, 0.3 + 4e-5, 0.49999) };
    const sensitivity = { probability: 5e-5, logit: 2e-4 };
    const sensitivities = new Map([0, 1, 3].map((row) => [row, sensitivity]));
    expect(compareOutputs(norm, other, 1, tolerance, sensitivities)).toMatchObject({
      sensitive: [0, 3],
      overTolerance: [1, 2],
      ties: [3],
      flips: [],
    });
    const offLogit = changed(norm, 'logits', 0, (norm.logits[0] as number) + 3e-4);
    expect(compareOutputs(norm, offLogit, 1, tolerance, sensitivities)).toMatchObject({ overTolerance: [0] });
    expect(compareOutputs(norm, norm, 1, tolerance, sensitivities)).toMatchObject({ sensitive: [], overTolerance: [] });
  });

  test('refuses sides that do not fit together', () => {
    expect(() => compareOutputs(binary(0.1), binary(0.1, 0.2), 1, tolerance)).toThrow(
      expect.objectContaining({ code: 'RUNTIME_FAILED' }),
    );
    expect(() => compareOutputs(binary(0.1), binary(0.1), 2, tolerance)).toThrow(
      expect.objectContaining({ code: 'RUNTIME_FAILED' }),
    );
  });
});
