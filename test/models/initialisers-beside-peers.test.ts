/**
 * Starting weights beside those of Keras and PyTorch (tools/fixtures/initialisers.py): the same shapes, the same constants,
 * and for what is drawn the same distribution. The generators differ, so single values cannot agree.
 */
import { readFileSync } from 'node:fs';
import { bisectRight } from 'd3-array';
import { describe, expect, it } from 'vitest';
import { initialWeights } from '../../models/initialisers.ts';
import { planModel } from '../../models/plan.ts';
import { parseSpec } from '../../models/spec.ts';

interface Start {
  readonly shape: readonly number[];
  /** Of a parameter that is the same in every draw. */
  readonly always?: readonly number[];
  /** At 0, 0.01 … 1, of all values of all draws. */
  readonly quantiles?: readonly number[];
}

interface Case {
  readonly source: string;
  readonly spec: unknown;
  readonly draws: number;
  readonly parameters: Readonly<Record<string, Start>>;
}

const path = new URL('../fixtures/initialisers.json', import.meta.url);
const { cases } = JSON.parse(readFileSync(path, 'utf8')) as { cases: readonly Case[] };

describe.each(cases)('$source', ({ spec: json, draws, parameters }) => {
  const plan = planModel(parseSpec(json));
  const starts = Array.from({ length: draws }, (_, seed) => initialWeights(plan, seed));

  it('has the same parameters', () => {
    expect(new Map(plan.parameters.map(({ name, shape }) => [name, shape]))).toEqual(
      new Map(Object.entries(parameters).map(([name, { shape }]) => [name, shape])),
    );
  });

  it.each(Object.entries(parameters))('starts %s alike', (name, { always, quantiles = [] }) => {
    const own = starts.map((weights) => [...(weights.get(name)?.data ?? [])]);
    if (always) {
      for (const values of own) expect(values).toEqual(always);
      return;
    }
    const sorted = Float64Array.from(own.flat()).sort();
    const n = sorted.length;
    // Kolmogorov and Smirnov: two samples of n of one distribution part further than this once in 10,000 times.
    const bound = Math.sqrt(-Math.log(1e-4 / 2) / n);
    for (const [percent, quantile] of quantiles.entries()) {
      expect(Math.abs(bisectRight(sorted, quantile) / n - percent / 100), `quantile ${percent} %`).toBeLessThan(bound);
    }
  });
});
