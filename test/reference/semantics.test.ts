/** What the layers mean, where two ways of saying the same thing must give the same numbers. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ModelSpec, SpecInput } from '../../models/layers.ts';
import { parseSpec } from '../../models/spec.ts';
import {
  type DropoutMasks,
  type ReferenceWeights,
  referenceForward,
  referenceGradients,
  referenceLayerOutputs,
  referenceLoss,
} from '../../src/reference/reference.ts';
import { arbitraryCase, arbitrarySpec, materialise, randomBatch, randomWeights } from '../support/arbitrary-spec.ts';

type LayerInput = SpecInput['layers'][number];

function specOf(...layers: LayerInput[]): ModelSpec {
  return parseSpec({ version: 1, name: 'semantics', layers });
}

const embedding: LayerInput = { type: 'embedding', inputDim: 6, outputDim: 3 };
const head: LayerInput = { type: 'dense', units: 1, activation: 'sigmoid' };
const kinds = [
  { type: 'simpleRnn', units: 3 },
  { type: 'lstm', units: 3 },
  { type: 'gru', units: 3 },
  { type: 'gru', units: 3, resetAfter: false },
] as const satisfies LayerInput[];

/** Both sides do the same sums in another order: some roundings of 1e-16, of values up to a few hundred. */
const rounding = 1e-12;

function expectClose(got: Float64Array, wanted: ArrayLike<number>): void {
  expect(got).toHaveLength(wanted.length);
  got.forEach((value, i) => {
    const other = wanted[i] as number;
    expect(Math.abs(value - other)).toBeLessThanOrEqual(rounding * Math.max(1, Math.abs(other)));
  });
}

describe('masks', () => {
  test('a masked row is worth the row without its masked steps', () => {
    fc.assert(
      fc.property(arbitraryCase({ maskZero: 'always' }), (modelCase) => {
        const { spec } = modelCase;
        const { weights, batch } = materialise(modelCase);
        const { logits } = referenceForward({ spec, weights }, batch.ids, batch.rows, batch.time);
        const outputs = logits.length / batch.rows;
        for (let row = 0; row < batch.rows; row++) {
          const kept = batch.ids.subarray(row * batch.time, (row + 1) * batch.time).filter((id) => id !== 0);
          if (kept.length === 0) continue;
          const alone = referenceForward({ spec, weights }, kept, 1, kept.length);
          expectClose(alone.logits, logits.subarray(row * outputs, (row + 1) * outputs));
        }
      }),
    );
  });

  test.each(kinds)('a row with nothing but masked steps ends in zeros: %o', (layer) => {
    const masked = { ...embedding, maskZero: true };
    const spec = specOf(masked, { ...layer, returnSequences: true }, { ...layer, goBackwards: true }, head);
    const weights = randomWeights(spec, 1);
    const outputs = referenceLayerOutputs({ spec, weights }, { ids: new Int32Array(4), rows: 1, time: 4 });
    expect(outputs.get(spec.layers[1]?.name ?? '')).toEqual(new Float64Array(4 * 3));
    expect(outputs.get(spec.layers[2]?.name ?? '')).toEqual(new Float64Array(3));
  });

  test.each(['average', 'max'] as const)('%s pooling of no steps gives zeros, and no gradient', (kind) => {
    const spec = specOf({ ...embedding, maskZero: true }, { type: 'pooling', kind }, head);
    const weights = randomWeights(spec, 1);
    const batch = { rows: 1, time: 3, ids: new Int32Array(3), targets: Int32Array.of(1) };
    const pooled = referenceLayerOutputs({ spec, weights }, batch).get('pooling');
    expect(pooled).toHaveLength(3);
    expect(pooled?.every((value) => value === 0)).toBe(true);
    const { gradients } = referenceGradients({ spec, weights }, batch);
    expect(gradients.get('embedding/embeddings')).toEqual(new Float64Array(6 * 3));
  });

  test('without maskZero the id 0 is an id like any other', () => {
    const plain = specOf(embedding, kinds[1], head);
    const masked = specOf({ ...embedding, maskZero: true }, kinds[1], head);
    const weights = randomWeights(plain, 3);
    const ids = Int32Array.of(1, 0, 2);
    const [whole] = referenceForward({ spec: plain, weights }, ids, 1, 3).logits;
    const [skipped] = referenceForward({ spec: masked, weights }, ids, 1, 3).logits;
    expect(Math.abs((whole as number) - (skipped as number))).toBeGreaterThan(1e-3);
  });
});

test('rows know nothing of each other, however many there are', () => {
  fc.assert(
    fc.property(arbitrarySpec(), fc.integer({ min: 1, max: 70 }), fc.nat(), (spec, rows, seed) => {
      const weights = randomWeights(spec, seed);
      const { ids } = randomBatch(spec, rows, 2, seed);
      const { logits, probabilities } = referenceForward({ spec, weights }, ids, rows, 2);
      const outputs = logits.length / rows;
      const last = referenceForward({ spec, weights }, ids.slice(-2), 1, 2);
      expect(logits.slice(-outputs)).toEqual(last.logits);
      expect(probabilities.slice(-outputs)).toEqual(last.probabilities);
    }),
  );
});

describe('bias', () => {
  const cases = kinds.filter((layer) => layer.type !== 'gru' || 'resetAfter' in layer);
  test.each(cases)('two biases add up: %o', (layer) => {
    const double = specOf(embedding, { ...layer, bias: 'double' }, head);
    const single = specOf(embedding, { ...layer, bias: 'single' }, head);
    const weights = randomWeights(double, 5);
    const name = `${double.layers[1]?.name}/bias`;
    const both = weights.get(name)?.data ?? new Float32Array();
    const width = both.length / 2;
    const data = Float64Array.from({ length: width }, (_, i) => (both[i] as number) + (both[width + i] as number));
    const summed: ReferenceWeights = new Map<string, { shape: readonly number[]; data: Float32Array | Float64Array }>(
      weights,
    ).set(name, { shape: [width], data });
    const { ids } = randomBatch(double, 4, 5, 5);
    expectClose(
      referenceForward({ spec: single, weights: summed }, ids, 4, 5).logits,
      referenceForward({ spec: double, weights }, ids, 4, 5).logits,
    );
  });
});

test.each(kinds)('goBackwards reads the row from its end: %o', (layer) => {
  const spec = specOf(embedding, layer, head);
  const backwards = specOf(embedding, { ...layer, goBackwards: true }, head);
  const weights = randomWeights(spec, 7);
  const ids = Int32Array.of(1, 2, 3, 4, 5);
  expect(referenceForward({ spec: backwards, weights }, ids, 1, 5)).toEqual(
    referenceForward({ spec, weights }, ids.toReversed(), 1, 5),
  );
});

test.each(kinds)('one-hot rows are an embedding whose table is the identity, dropout included: %o', (layer) => {
  const dropping = { ...layer, dropout: 0.5 };
  const oneHot = specOf({ type: 'oneHot', depth: 4 }, { type: 'dropout', rate: 0.5 }, dropping, head);
  const table = specOf(
    { type: 'embedding', inputDim: 4, outputDim: 4 },
    { type: 'dropout', rate: 0.5 },
    dropping,
    head,
  );
  const weights = randomWeights(oneHot, 9);
  const identity = Float32Array.from({ length: 16 }, (_, i) => (i % 5 === 0 ? 1 : 0));
  const withTable = new Map(weights).set('embedding/embeddings', { shape: [4, 4], data: identity });
  const batch = randomBatch(oneHot, 3, 4, 9);
  const masks: DropoutMasks = (stream, _, size, rate) =>
    Float64Array.from({ length: size }, (_, i) => ((i * 7 + stream) % 3 === 0 ? 0 : 1 / (1 - rate)));
  const rows = referenceGradients({ spec: oneHot, weights }, batch, masks);
  const looked = referenceGradients({ spec: table, weights: withTable }, batch, masks);
  expect(Math.abs(rows.loss - looked.loss)).toBeLessThan(rounding);
  for (const [name, gradient] of rows.gradients) expectClose(gradient, looked.gradients.get(name) ?? []);
});

test('dropout masks are asked for once each, by stream, purpose, size and rate', () => {
  const spec = specOf(
    embedding,
    { type: 'dropout', rate: 0.1 },
    {
      type: 'bidirectional',
      layer: { type: 'lstm', units: 2, dropout: 0.2, recurrentDropout: 0.3, returnSequences: true },
    },
    { type: 'gru', units: 5, recurrentDropout: 0.4 },
    { type: 'dropout', rate: 0 },
    { type: 'dropout', rate: 0.5 },
    head,
  );
  const asked: [number, string, number, number][] = [];
  const { ids, targets } = randomBatch(spec, 3, 4, 1);
  referenceLoss({ spec, weights: randomWeights(spec, 1) }, { rows: 3, time: 4, ids, targets }, (...args) => {
    asked.push(args);
    return new Float64Array(args[2]).fill(1);
  });
  expect(asked).toEqual([
    [2, 'dropout', 3 * 4 * 3, 0.1],
    [4, 'dropout', 3 * 3, 0.2],
    [4, 'recurrentDropout', 3 * 2, 0.3],
    [5, 'dropout', 3 * 3, 0.2],
    [5, 'recurrentDropout', 3 * 2, 0.3],
    [6, 'recurrentDropout', 3 * 5, 0.4],
    [10, 'dropout', 3 * 5, 0.5],
  ]);
});

describe('the loss at its limits', () => {
  const batch = { rows: 1, time: 1, ids: Int32Array.of(0), targets: Int32Array.of(0) };

  /** A model whose logits are `logits`, whatever the id. */
  function saturated(logits: readonly number[], activation: 'sigmoid' | 'softmax' | 'linear') {
    const spec = specOf(
      { type: 'embedding', inputDim: 2, outputDim: 1 },
      { type: 'pooling', kind: 'average' },
      { type: 'dense', units: logits.length, activation },
    );
    const data = Float64Array.from(logits);
    const weights: ReferenceWeights = new Map([
      ['embedding/embeddings', { shape: [2, 1], data: new Float64Array(2) }],
      ['dense/kernel', { shape: [1, logits.length], data: new Float64Array(logits.length) }],
      ['dense/bias', { shape: [logits.length], data }],
    ]);
    return referenceGradients({ spec, weights }, batch);
  }

  test('on logits it grows without bound, and its gradient is 1', () => {
    const binary = saturated([800], 'linear');
    expect(binary.loss).toBe(800);
    expect(binary.gradients.get('dense/bias')).toEqual(Float64Array.of(1));
    const categorical = saturated([-800, 800], 'linear');
    expect(categorical.loss).toBe(1600);
    expect(categorical.gradients.get('dense/bias')).toEqual(Float64Array.of(-1, 1));
  });

  test('on probabilities it has no gradient within 1e-7 of certainty', () => {
    // σ(−20) is 2e-9; unclipped, the gradient would be that.
    expect(saturated([-20], 'sigmoid').gradients.get('dense/bias')?.[0]).toBeCloseTo(0, 15);
    expect(saturated([-20], 'linear').gradients.get('dense/bias')?.[0]).toBeCloseTo(2.06e-9, 11);
    expect(saturated([10, -10], 'softmax').gradients.get('dense/bias')?.[0]).toBeCloseTo(0, 15);
  });

  test('on probabilities it ends at −log 1e-7, where its gradient is 0', () => {
    for (const logits of [[800], [-800, 800]]) {
      const { loss, gradients } = saturated(logits, logits.length === 1 ? 'sigmoid' : 'softmax');
      expect(loss).toBeCloseTo(-Math.log(1e-7), 12);
      expect(gradients.get('dense/bias')?.every((slope) => slope === 0)).toBe(true);
    }
  });
});

describe('what does not fit is refused', () => {
  const spec = specOf(embedding, kinds[0], head);
  const weights = randomWeights(spec, 1);
  const good = { rows: 2, time: 2, ids: Int32Array.of(1, 2, 3, 4), targets: Int32Array.of(0, 1) };

  test.each([
    ['no rows', { rows: 0, ids: new Int32Array(), targets: new Int32Array() }],
    ['no steps', { time: 0, ids: new Int32Array() }],
    ['half a row', { rows: 1.5, time: 2, ids: Int32Array.of(1, 2, 3) }],
    ['ids that do not fill the rows', { ids: Int32Array.of(1, 2, 3) }],
    ['an id beyond the vocabulary', { ids: Int32Array.of(1, 2, 3, 6) }],
    ['an id below 0', { ids: Int32Array.of(1, -1, 3, 4) }],
    ['a target too few', { targets: Int32Array.of(0) }],
    ['a target that is no class', { targets: Int32Array.of(0, 2) }],
  ])('%s', (_, change) => {
    const batch = { ...good, ...change };
    expect(() => referenceLoss({ spec, weights }, batch)).toThrow(expect.objectContaining({ code: 'INPUT_INVALID' }));
    if ('targets' in change && !('ids' in change)) return;
    const forward = () => referenceForward({ spec, weights }, batch.ids, batch.rows, batch.time);
    expect(forward).toThrow(expect.objectContaining({ code: 'INPUT_INVALID' }));
  });

  test('weights of another model', () => {
    const other = randomWeights(specOf(embedding, kinds[1], head), 1);
    expect(() => referenceLoss({ spec, weights: other }, good)).toThrow(
      expect.objectContaining({ code: 'WEIGHTS_INVALID' }),
    );
  });
});
