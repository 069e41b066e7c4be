/** The exported file computes what the float64 reference computes, for any spec. */
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { exportOnnx } from '../../exporters/export.ts';
import { loadClassifier } from '../../runtime/predict/classifier.ts';
import { referenceForward } from '../../src/reference/reference.ts';
import { arbitraryCase, materialise, type ModelCase } from '../support/arbitrary-spec.ts';
import { trainedModel } from '../support/trained-model.ts';

/** The project's bound for float32 on the CPU. Inputs, weights and outputs here are of the order of 1. */
const tolerance = 5e-6;

let largest = 0;
afterAll(() => console.log(`largest error of a probability: ${largest.toExponential(2)}`));

async function errorOf(modelCase: ModelCase): Promise<number> {
  const { spec } = modelCase;
  const { weights, batch } = materialise(modelCase);
  const { ids, rows, time } = batch;
  const classifier = await loadClassifier(exportOnnx(trainedModel(spec, weights)), { providers: 'cpu', threads: 1 });
  const actual = await classifier.predictIds(ids, rows, time);
  await classifier.dispose();
  const expected = referenceForward({ spec, weights }, ids, rows, time);
  const gap = (a: Float32Array, b: Float64Array) => Math.max(...a.map((x, i) => Math.abs(x - (b[i] as number))));
  largest = Math.max(largest, gap(actual.probabilities, expected.probabilities));
  return Math.max(
    gap(actual.probabilities, expected.probabilities),
    ...actual.logits.map((x, i) => Math.abs(x - (expected.logits[i] as number)) / Math.max(1, Math.abs(x))),
  );
}

test('any spec gives the numbers of the reference', async () => {
  await fc.assert(
    fc.asyncProperty(arbitraryCase(), async (modelCase) => {
      expect(await errorOf(modelCase)).toBeLessThan(tolerance);
    }),
    { numRuns: 400 },
  );
});
