/** Many rows in batches by length give what each text gives alone, in their order, and always the same bits. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { exportOnnx } from '../../../exporters/export.ts';
import { readMetadata } from '../../../models/metadata/metadata.ts';
import { type Classifier, loadClassifier } from '../../../runtime/index.ts';
import { classifyRows } from '../../../src/cli/predict/classify-rows.ts';
import { modelOf } from '../../support/trained-model.ts';

const signal = new AbortController().signal;

/** A row's numbers may depend on its batch mates by so much: see test/contract/runner.ts. */
const batchBound = 1e-6;

describe.each([true, false])('of a model whose maskZero is %s', (maskZero) => {
  const file = exportOnnx(
    modelOf([
      { type: 'embedding', inputDim: 30, outputDim: 4, maskZero },
      { type: 'simpleRnn', units: 5 },
      { type: 'dense', units: 3 },
    ]),
  );
  let classifier: Classifier;
  beforeAll(async () => {
    classifier = await loadClassifier(file, { providers: 'cpu', threads: 1 });
  });
  afterAll(() => classifier.dispose());

  const someTexts = fc.array(
    fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 9 }).map((ids) => ids.map((id) => `w${id}`).join(' ')),
    { minLength: 1, maxLength: 50 },
  );

  test('each text gets its own prediction', async () => {
    const classify = classifyRows(readMetadata(file), classifier);
    await fc.assert(
      fc.asyncProperty(someTexts, async (texts) => {
        const together = await classify(texts, signal);
        expect(together).toHaveLength(texts.length);
        for (const [index, text] of texts.entries()) {
          const { scores, ...alone } = await classifier.predict(text);
          expect(together[index]).toMatchObject({ words: alone.words, knownWords: alone.knownWords });
          for (const [label, score] of Object.entries(scores)) {
            expect(Math.abs((together[index]?.scores[label] ?? Number.NaN) - score)).toBeLessThan(batchBound);
          }
        }
        expect(await classify(texts, signal)).toEqual(together);
      }),
      { numRuns: 40 },
    );
  });

  test('over more rows than a batch holds', async () => {
    const classify = classifyRows(readMetadata(file), classifier);
    const texts = Array.from({ length: 5000 }, (_, at) =>
      `w${1 + (at % 29)} w${1 + ((at * 7) % 29)} `.repeat(1 + (at % 3)),
    );
    const together = await classify(texts, signal);
    for (const at of [0, 1, 1364, 1365, 1366, 2731, 4999]) {
      const alone = await classifier.predict(texts[at] as string);
      expect(together[at]?.label).toBe(alone.label);
      expect(together[at]?.probability).toBeCloseTo(alone.probability, 6);
    }
  });

  test('stops when told to', async () => {
    const classify = classifyRows(readMetadata(file), classifier);
    await expect(classify(['w1'], AbortSignal.abort())).rejects.toMatchObject({ code: 'INTERRUPTED' });
  });
});
