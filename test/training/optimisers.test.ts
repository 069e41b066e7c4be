/** The optimisers against what those of Keras and PyTorch did to the same weights, 20 steps long (tools/fixtures/optimisers.py). */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { momentNames, optimiserSchema, updateWeight } from '../../src/training/optimisers.ts';

interface Fixture {
  readonly name: string;
  readonly options: unknown;
  readonly learningRate: number;
  readonly start: readonly number[];
  /** The weight after each step. */
  readonly trajectory: readonly (readonly number[])[];
  /** One gradient a step, or else those of the bowl Σ curvature (weight − bottom)² / 2. */
  readonly gradients?: readonly (readonly number[])[];
  readonly curvature?: readonly number[];
  readonly bottom?: readonly number[];
}

const path = new URL('../fixtures/layers/optimisers.json', import.meta.url);
const { source, cases } = JSON.parse(readFileSync(path, 'utf8')) as { source: string; cases: Fixture[] };

/**
 * Weights and moments are kept in float32 here, in float64 there: 6e-8 of a weight below 5 is lost at every store, and
 * the losses of 20 steps add up (SGD with momentum carries each of them ten times over).
 */
const tolerance = 2e-6;

test('an ε that is 0 in float32 is refused: weights without a gradient would be divided by it', () => {
  for (const type of ['adam', 'adam-pytorch', 'rmsprop'] as const) {
    expect(optimiserSchema.safeParse({ type, epsilon: 1e-50 }).success).toBe(false);
    expect(optimiserSchema.safeParse({ type, epsilon: 1e-30 }).success).toBe(true);
  }
});

describe(source, () => {
  test.each(cases)('$name', ({ options: json, learningRate, start, trajectory, gradients, curvature, bottom }) => {
    const options = optimiserSchema.parse(json);
    const weight = Float32Array.from(start);
    const moments = momentNames(options).map(() => new Float32Array(weight.length));
    trajectory.forEach((expected, step) => {
      const gradient = Float32Array.from(
        gradients?.[step] ?? weight.map((value, i) => (curvature?.[i] as number) * (value - (bottom?.[i] as number))),
      );
      updateWeight(options, learningRate, step + 1, weight, gradient, moments);
      expect(weight).toHaveLength(expected.length);
      weight.forEach((value, i) => {
        expect(Math.abs(value - (expected[i] as number)), `step ${step}, weight ${i}`).toBeLessThan(tolerance);
      });
    });
  });
});
