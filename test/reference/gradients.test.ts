/** Gradients of the reference against central differences of its own loss: every layer, option, mask and loss. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { activations } from '../../models/activations.ts';
import type { ModelSpec, SpecInput } from '../../models/layers.ts';
import { parseSpec } from '../../models/spec.ts';
import { createRandom } from '../../src/core/random.ts';
import {
  type DropoutMasks,
  type ReferenceBatch,
  referenceGradients,
  referenceLoss,
} from '../../src/reference/reference.ts';
import { arbitraryCase, type ModelCase, materialise, randomBatch, randomWeights } from '../support/arbitrary-spec.ts';

type Weights64 = Map<string, { shape: readonly number[]; data: Float64Array }>;

/** Entries of each weight that are nudged; the rest of a large weight would repeat the same sums. */
const entriesPerWeight = 3;

/**
 * A central difference of step h is off by h²/6 of the third derivative, 1e-11 for h = 1e-5, and by the rounding of
 * the two losses, 1e-16 · loss / h, again 1e-11: of the order of 1 to 1e3 times that where derivatives are large.
 */
const tolerance = 1e-7;
const nudge = 1e-5;

interface Comparison {
  readonly worst: number;
  readonly compared: number;
  /** Entries where the loss has a kink within reach, so that no derivative exists there to compare with. */
  readonly kinks: number;
}

function compare(spec: ModelSpec, batch: ReferenceBatch, seed: number, masks?: DropoutMasks): Comparison {
  const weights: Weights64 = new Map(
    [...randomWeights(spec, seed)].map(([name, { shape, data }]) => [name, { shape, data: Float64Array.from(data) }]),
  );
  const { loss, gradients } = referenceGradients({ spec, weights }, batch, masks);
  expect(loss).toBe(referenceLoss({ spec, weights }, batch, masks));
  expect([...gradients.keys()]).toEqual([...weights.keys()]);

  const random = createRandom({ seed, purpose: 'split' });
  let worst = 0;
  let compared = 0;
  let kinks = 0;
  for (const [name, { data }] of weights) {
    const gradient = gradients.get(name) as Float64Array;
    expect(gradient).toHaveLength(data.length);
    for (let count = 0; count < Math.min(entriesPerWeight, data.length); count++) {
      const entry = data.length <= entriesPerWeight ? count : random.below(data.length);
      const here = data[entry] as number;
      const lossAt = (offset: number) => {
        data[entry] = here + offset;
        const value = referenceLoss({ spec, weights }, batch, masks);
        data[entry] = here;
        return value;
      };
      const [up, down] = [lossAt(nudge), lossAt(-nudge)];
      const difference = (up - down) / (2 * nudge);
      // On a smooth stretch both one-sided differences are off by no more than h times the curvature.
      const bend = Math.abs(up - 2 * loss + down) / nudge;
      const error = Math.abs(difference - (gradient[entry] as number)) / Math.max(1, Math.abs(difference));
      if (error > tolerance && bend > 1e-3) kinks++;
      else {
        worst = Math.max(worst, error);
        compared++;
      }
    }
  }
  return { worst, compared, kinks };
}

/** Masks as a training step would draw them. */
const drawn =
  (seed: number): DropoutMasks =>
  (stream, purpose, size, rate) => {
    const random = createRandom({ seed, purpose, stream });
    return Float64Array.from({ length: size }, () => (random.uniform() < rate ? 0 : 1 / (1 - rate)));
  };

describe('every activation in every recurrent kind', () => {
  const cases = activations.flatMap((activation) =>
    (['simpleRnn', 'lstm', 'gru', 'gru, reset before'] as const).map((kind) => ({ activation, kind })),
  );
  test.each(cases)('$kind, $activation', ({ activation, kind }) => {
    const layer: SpecInput['layers'][number] =
      kind === 'simpleRnn'
        ? { type: 'simpleRnn', units: 2, activation }
        : kind === 'lstm'
          ? { type: 'lstm', units: 2, activation, recurrentActivation: activation }
          : { type: 'gru', units: 2, activation, recurrentActivation: activation, resetAfter: kind === 'gru' };
    const spec = parseSpec({
      version: 1,
      name: 'activation',
      layers: [{ type: 'embedding', inputDim: 5, outputDim: 2 }, layer, { type: 'dense', units: 1 }],
    });
    const { worst, compared, kinks } = compare(spec, randomBatch(spec, 3, 4, 1), 1);
    expect(worst).toBeLessThan(tolerance);
    expect(kinks).toBeLessThanOrEqual(compared / 10);
  });
});

describe('every head, on probabilities and on logits', () => {
  test.each([
    [1, 'sigmoid'],
    [1, 'linear'],
    [3, 'softmax'],
    [3, 'linear'],
  ] as const)('%i %s', (units, activation) => {
    const spec = parseSpec({
      version: 1,
      name: 'head',
      layers: [
        { type: 'embedding', inputDim: 5, outputDim: 2 },
        { type: 'pooling', kind: 'average' },
        { type: 'dense', units, activation },
      ],
    });
    expect(compare(spec, randomBatch(spec, 5, 4, 2), 2).worst).toBeLessThan(tolerance);
  });
});

test('whole models at random, as evaluated and as trained with dropout', () => {
  const total = { compared: 0, kinks: 0 };
  fc.assert(
    fc.property(arbitraryCase(), fc.boolean(), (modelCase: ModelCase, training) => {
      const { batch } = materialise(modelCase);
      const masks = training ? drawn(modelCase.seed) : undefined;
      const { worst, compared, kinks } = compare(modelCase.spec, batch, modelCase.seed, masks);
      total.compared += compared;
      total.kinks += kinks;
      expect(worst).toBeLessThan(tolerance);
    }),
    { numRuns: 150 },
  );
  expect(total.compared).toBeGreaterThan(1000);
  expect(total.kinks / total.compared).toBeLessThan(0.01);
});
