/** The exported file computes what the float64 reference computes, for any spec. */
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { type ExportOptions, exportOnnx } from '../../exporters/export.ts';
import { irVersions } from '../../exporters/graph/opsets.ts';
import type { ModelSpec, SpecInput } from '../../models/layers.ts';
import { parseSpec } from '../../models/spec.ts';
import type { Weights } from '../../models/weights.ts';
import { loadClassifier } from '../../runtime/predict/classifier.ts';
import { referenceForward } from '../../src/reference/reference.ts';
import {
  activationsWithinOne,
  arbitraryCase,
  type ModelCase,
  materialise,
  randomBatch,
  randomWeights,
  scaledBy,
} from '../support/arbitrary-spec.ts';
import { modelOf, trainedModel } from '../support/trained-model.ts';

/**
 * The project's bound for float32 on the CPU, absolute on probabilities and relative on logits above 1. What bounds the
 * error is float32 rounding and onnxruntime's rational tanh and sigmoid (5e-7 at a step), carried along the steps.
 */
const tolerance = 5e-6;

let largest = 0;
afterAll(() => console.log(`largest error of a probability: ${largest.toExponential(2)}`));

interface Case {
  readonly spec: ModelSpec;
  readonly weights: Weights;
  readonly ids: Int32Array;
  readonly rows: number;
  readonly time: number;
}

async function errorOf({ spec, weights, ids, rows, time }: Case, options?: ExportOptions): Promise<number> {
  const file = exportOnnx(trainedModel(spec, weights), options);
  const classifier = await loadClassifier(file, { providers: 'cpu', threads: 1 });
  const actual = await classifier.predictIds(ids, rows, time);
  await classifier.dispose();
  const expected = referenceForward({ spec, weights }, ids, rows, time);
  const onProbabilities = Math.max(...actual.probabilities.map((p, i) => Math.abs(p - at(expected.probabilities, i))));
  const logits = Array.from(actual.logits, (x, i) => Math.abs(x - at(expected.logits, i)) / Math.max(1, Math.abs(x)));
  largest = Math.max(largest, onProbabilities);
  return Math.max(onProbabilities, ...logits);
}

function at(values: ArrayLike<number>, index: number): number {
  return values[index] as number;
}

function caseOf(modelCase: ModelCase, scale: number): Case {
  const { weights, batch } = materialise(modelCase);
  return { spec: modelCase.spec, weights: scaledBy(scale, weights), ...batch };
}

test('any spec gives the numbers of the reference', async () => {
  await fc.assert(
    fc.asyncProperty(arbitraryCase(), async (modelCase) => {
      expect(await errorOf(caseOf(modelCase, 0.25))).toBeLessThan(tolerance);
    }),
    { numRuns: 300 },
  );
});

test('any spec with activations within 1 gives the numbers of the reference, at full weights', async () => {
  await fc.assert(
    fc.asyncProperty(arbitraryCase({ activations: activationsWithinOne, maxUnits: 9 }), async (modelCase) => {
      expect(await errorOf(caseOf(modelCase, 1))).toBeLessThan(tolerance);
    }),
    { numRuns: 150 },
  );
});

test('masked specs give the numbers of the reference, wherever the zeros stand', async () => {
  await fc.assert(
    fc.asyncProperty(arbitraryCase({ maskZero: 'always' }), async (modelCase) => {
      expect(await errorOf(caseOf(modelCase, 0.25))).toBeLessThan(tolerance);
    }),
    { numRuns: 150 },
  );
});

describe('odd sizes', () => {
  const head = { type: 'dense', units: 1, activation: 'sigmoid' } as const;
  const models: Record<string, SpecInput['layers']> = {
    lstm: [{ type: 'embedding', inputDim: 50, outputDim: 16 }, { type: 'lstm', units: 8 }, head],
    'masked stack': [
      { type: 'embedding', inputDim: 50, outputDim: 7, maskZero: true },
      { type: 'bidirectional', layer: { type: 'gru', units: 5, returnSequences: true } },
      { type: 'simpleRnn', units: 33 },
      head,
    ],
  };
  for (const [name, layers] of Object.entries(models)) {
    for (const rows of [1, 3, 65]) {
      for (const time of [1, 2, 101]) {
        test(`${name}, batch ${rows}, time ${time}`, async () => {
          const spec = parseSpec({ version: 1, name: 'odd', layers });
          const { ids } = randomBatch(spec, rows, time, rows * time);
          expect(await errorOf({ spec, weights: randomWeights(spec, 1), ids, rows, time })).toBeLessThan(tolerance);
        });
      }
    }
  }
});

describe('opsets', () => {
  for (const opset of Object.keys(irVersions).map(Number)) {
    test(`${opset} gives the numbers of the reference`, async () => {
      const limits = { maskZero: 'sometimes', maxRecurrent: 2 } as const;
      await fc.assert(
        fc.asyncProperty(arbitraryCase(limits), async (modelCase) => {
          expect(await errorOf(caseOf(modelCase, 0.25), { opset })).toBeLessThan(tolerance);
        }),
        { numRuns: 12 },
      );
    });
  }
});

test('a row of zeros only, beside others, gives what the reference gives', async () => {
  const spec = parseSpec({
    version: 1,
    name: 'masked',
    layers: [
      { type: 'embedding', inputDim: 9, outputDim: 3, maskZero: true },
      { type: 'lstm', units: 4 },
      { type: 'dense', units: 1 },
    ],
  });
  const weights = randomWeights(spec, 3);
  const ids = Int32Array.of(0, 0, 0, 5, 0, 6, 0, 0, 7, 1, 2, 3);
  expect(await errorOf({ spec, weights, ids, rows: 4, time: 3 })).toBeLessThan(tolerance);
  const classifier = await loadClassifier(exportOnnx(trainedModel(spec, weights)), { providers: 'cpu' });
  const [logit] = (await classifier.predictIds(ids, 4, 3)).logits;
  expect(logit).toBe(at(weights.get('dense/bias')?.data ?? [], 0)); // the state is zero: only the bias is left
  await classifier.dispose();
});

test('a state that grows without bound ends in an error, not in NaN', async () => {
  const model = modelOf([
    { type: 'embedding', inputDim: 3, outputDim: 1 },
    { type: 'simpleRnn', units: 1, activation: 'softplus', bias: 'none' },
    { type: 'dense', units: 1, useBias: false },
  ]);
  const one = { shape: [1, 1], data: Float32Array.of(1) };
  const weights = new Map(model.weights)
    .set('embedding/embeddings', { shape: [3, 1], data: Float32Array.of(0, 60, 100) })
    .set('simple_rnn/kernel', one)
    .set('dense/kernel', one);
  const classifier = await loadClassifier(exportOnnx({ ...model, weights }), { providers: 'cpu' });
  expect((await classifier.predictIds(Int32Array.of(1), 1, 1)).logits[0]).toBeCloseTo(60);
  await expect(classifier.predictIds(Int32Array.of(2), 1, 1)).rejects.toMatchObject({ code: 'RUNTIME_FAILED' });
  await classifier.dispose();
});
