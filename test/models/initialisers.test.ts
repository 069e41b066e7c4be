import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { initialWeights } from '../../models/initialisers.ts';
import { planModel } from '../../models/plan.ts';
import { parseSpec } from '../../models/spec.ts';
import { arbitrarySpec } from '../support/arbitrary-spec.ts';

const plan = planModel(
  parseSpec({
    version: 1,
    name: 'initial',
    layers: [
      { type: 'embedding', inputDim: 400, outputDim: 50 },
      { type: 'lstm', units: 40, returnSequences: true },
      { type: 'gru', units: 30 },
      { type: 'dense', units: 1, activation: 'sigmoid' },
    ],
  }),
);
const weights = initialWeights(plan, 7);
const dataOf = (name: string) => weights.get(name)?.data ?? new Float32Array();

function momentsOf(data: Float32Array): { mean: number; variance: number; largest: number } {
  const mean = data.reduce((sum, x) => sum + x, 0) / data.length;
  const variance = data.reduce((sum, x) => sum + (x - mean) ** 2, 0) / data.length;
  return { mean, variance, largest: data.reduce((most, x) => Math.max(most, Math.abs(x)), 0) };
}

describe('initialWeights', () => {
  it.each([
    ['embedding/embeddings', 0.05],
    ['lstm/kernel', Math.sqrt(6 / (50 + 160))],
    ['gru/kernel', Math.sqrt(6 / (40 + 90))],
  ])('draws %s uniformly within ±%f', (name, limit) => {
    const data = dataOf(name);
    const { mean, variance, largest } = momentsOf(data);
    expect(largest).toBeLessThanOrEqual(limit);
    expect(largest).toBeGreaterThan(0.99 * limit);
    // five standard errors of a uniform distribution's mean, and 5 % of its variance
    expect(Math.abs(mean)).toBeLessThan((5 * limit) / Math.sqrt(3 * data.length));
    expect(variance / (limit ** 2 / 3)).toBeCloseTo(1, 1);
  });

  it('makes recurrent kernels orthogonal: their rows are orthonormal', () => {
    for (const [name, units, width] of [
      ['lstm/recurrent_kernel', 40, 160],
      ['gru/recurrent_kernel', 30, 90],
    ] as const) {
      const data = dataOf(name);
      for (let a = 0; a < units; a++) {
        for (let b = 0; b <= a; b++) {
          let product = 0;
          for (let j = 0; j < width; j++) product += (data[a * width + j] ?? 0) * (data[b * width + j] ?? 0);
          expect(Math.abs(product - (a === b ? 1 : 0))).toBeLessThan(1e-6); // float32 rounding of 160 products
        }
      }
    }
  });

  it('starts biases at 0 and the forget gate at 1', () => {
    expect(dataOf('lstm/bias')).toEqual(Float32Array.from({ length: 160 }, (_, i) => (i >= 40 && i < 80 ? 1 : 0)));
    expect(dataOf('gru/bias')).toEqual(new Float32Array(180));
    expect(dataOf('dense/bias')).toEqual(new Float32Array(1));
  });

  it('sums to one forget bias where there are two vectors, and to none without unitForgetBias', () => {
    const biasOf = (options: object) =>
      initialWeights(
        planModel(
          parseSpec({
            version: 1,
            name: 'b',
            layers: [
              { type: 'embedding', inputDim: 3, outputDim: 2 },
              { type: 'lstm', units: 2, ...options },
              { type: 'dense', units: 1 },
            ],
          }),
        ),
        0,
      ).get('lstm/bias')?.data;
    expect(biasOf({ bias: 'double' })).toEqual(Float32Array.of(0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
    expect(biasOf({ unitForgetBias: false })).toEqual(new Float32Array(8));
  });

  describe('of PyTorch', () => {
    const torch = initialWeights(
      planModel(
        parseSpec({
          version: 1,
          name: 'torch',
          initialisers: 'pytorch',
          layers: [
            { type: 'embedding', inputDim: 400, outputDim: 50 },
            { type: 'simpleRnn', units: 36, bias: 'double', returnSequences: true },
            { type: 'lstm', units: 49, bias: 'double', unitForgetBias: false, returnSequences: true },
            { type: 'bidirectional', layer: { type: 'gru', units: 25 } },
            { type: 'dense', units: 3, activation: 'softmax' },
          ],
        }),
      ),
      3,
    );

    it.each([
      ['simple_rnn', 1 / 6],
      ['lstm', 1 / 7],
      ['bidirectional/forward', 1 / 5],
      ['bidirectional/backward', 1 / 5],
      ['dense', 1 / Math.sqrt(50)], // of its inputs: two directions of 25
    ])('draws all weights of %s uniformly within ±1/√width, biases too', (layer, bound) => {
      const own = [...torch].filter(([name]) => name.startsWith(`${layer}/`));
      expect(own.length).toBe(layer === 'dense' ? 2 : 3);
      const all = Float32Array.from(own.flatMap(([, { data }]) => [...data]));
      const { mean, variance, largest } = momentsOf(all);
      expect(largest).toBeLessThanOrEqual(Math.fround(bound));
      expect(largest).toBeGreaterThan(0.95 * bound);
      // five standard errors of a uniform distribution's mean, and of its variance: √(4/45) · bound² a draw
      expect(Math.abs(mean)).toBeLessThan((5 * bound) / Math.sqrt(3 * all.length));
      expect(Math.abs(variance - bound ** 2 / 3)).toBeLessThan(
        (5 * Math.sqrt(4 / 45) * bound ** 2) / Math.sqrt(all.length),
      );
      for (const [, { data }] of own) expect(new Set(data).size).toBeGreaterThan(0.9 * data.length);
    });

    it('draws embeddings from the standard normal distribution', () => {
      const data = [...(torch.get('embedding/embeddings')?.data ?? [])];
      const n = data.length;
      const moment = (k: number) => data.reduce((sum, x) => sum + x ** k, 0) / n;
      // five standard errors: the k-th power of a normal deviate has variance 1, 2, 15 and 96
      expect(Math.abs(moment(1))).toBeLessThan(5 / Math.sqrt(n));
      expect(Math.abs(moment(2) - 1)).toBeLessThan(5 * Math.sqrt(2 / n));
      expect(Math.abs(moment(3))).toBeLessThan(5 * Math.sqrt(15 / n));
      expect(Math.abs(moment(4) - 3)).toBeLessThan(5 * Math.sqrt(96 / n));
    });

    it('is refused with a forget bias that they would not set', () => {
      const layers = [
        { type: 'embedding', inputDim: 9, outputDim: 2 },
        { type: 'lstm', units: 2 },
        { type: 'dense', units: 1 },
      ];
      expect(() => parseSpec({ version: 1, name: 'x', initialisers: 'pytorch', layers })).toThrow(
        expect.objectContaining({ code: 'SPEC_INVALID', hint: 'Set unitForgetBias: false.' }),
      );
    });
  });

  it('repeats for a seed and differs for another, for any spec', () => {
    fc.assert(
      fc.property(arbitrarySpec(), fc.nat(), (spec, seed) => {
        const anyPlan = planModel(spec);
        expect(initialWeights(anyPlan, seed)).toEqual(initialWeights(anyPlan, seed));
      }),
      { numRuns: 30 },
    );
    expect(initialWeights(plan, 8)).not.toEqual(weights);
  });
});
