/** What each word adds is the score with it less the score of the text without it, as the reference computes them. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { exportOnnx } from '../../exporters/export.ts';
import type { TrainedModel } from '../../models/model.ts';
import { planModel } from '../../models/plan.ts';
import { createEncoder } from '../../models/text/encoder.ts';
import { locateWords, tokenize } from '../../models/text/tokenize.ts';
import { loadClassifier } from '../../runtime/index.ts';
import { explainText } from '../../runtime/predict/explain.ts';
import { referenceForward } from '../../src/reference/reference.ts';
import { memoryInUse } from '../support/memory.ts';
import { modelOf } from '../support/trained-model.ts';

const lstm = modelOf([
  { type: 'embedding', inputDim: 30, outputDim: 4, maskZero: true },
  { type: 'lstm', units: 5 },
  { type: 'dense', units: 3, activation: 'softmax' },
]);
const gru = modelOf([
  { type: 'embedding', inputDim: 30, outputDim: 4 },
  { type: 'gru', units: 5 },
  { type: 'dense', units: 1, activation: 'sigmoid' },
]);
const models: Record<string, TrainedModel> = {
  'masked, cut in front, unknown words dropped': lstm,
  'reads its padding, cut behind, with a start and a stand-in for unknown words': {
    ...gru,
    preprocessing: {
      tokenizer: { lowercase: 'unicode', filters: '.,!?', startId: 1, oovId: 2, firstWordId: 3 },
      maxLength: 6,
      padding: 'post',
      truncating: 'post',
    },
    vocabulary: gru.vocabulary.slice(0, 27),
  },
};

/** float32 against float64, twice: see test/exporters/values.test.ts. */
const tolerance = 1e-5;

describe.each(Object.entries(models))('a model that is %s', (_, model) => {
  test('is explained by the texts without each word', async () => {
    const classifier = await loadClassifier(exportOnnx(model), { providers: 'cpu' });
    const encoder = createEncoder({ ...model, vocabularySize: planModel(model.spec).vocabularySize });
    const probabilityOf = (words: readonly string[], index: number) => {
      const { probabilities } = referenceForward(model, encoder.encodeAll([words.join(' ')]).ids, 1, 6);
      const [p = Number.NaN] = probabilities;
      return probabilities.length === 1 ? [1 - p, p][index] : probabilities[index];
    };
    const word = fc.oneof(
      fc.integer({ min: 1, max: 27 }).map((id) => `w${id}`),
      fc.constant('unknown'),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(word, { maxLength: 12 }),
        fc.constantFrom(undefined, ...model.labels),
        async (words, label) => {
          const text = words.join(', ');
          const explanation = await classifier.explain(text, label === undefined ? {} : { label });
          expect(explanation.prediction).toEqual(await classifier.predict(text));
          expect(explanation.label).toBe(label ?? explanation.prediction.label);
          expect(explanation.words.map(({ start, end }) => text.slice(start, end))).toEqual(words);
          const index = model.labels.indexOf(explanation.label);
          const whole = probabilityOf(words, index) ?? Number.NaN;
          expect(Math.abs(explanation.probability - whole)).toBeLessThan(tolerance);
          for (const [at, { known, contribution }] of explanation.words.entries()) {
            expect(known).toBe(words[at] !== 'unknown');
            const without = probabilityOf([...words.slice(0, at), ...words.slice(at + 1)], index) ?? Number.NaN;
            expect(Math.abs(contribution - (whole - without))).toBeLessThan(tolerance);
          }
        },
      ),
      { numRuns: 60 },
    );
    await classifier.dispose();
  });
});

test('a word that is cut off or dropped adds exactly nothing', async () => {
  const classifier = await loadClassifier(exportOnnx(lstm), { providers: 'cpu' });
  const { words } = await classifier.explain('w9 w9 unknown w1 w2 w3 w4 w5 w6');
  expect(words.slice(0, 3).map(({ contribution }) => contribution)).toEqual([0, 0, 0]);
  await classifier.dispose();
});

test('what the model cannot read of a text is neither run nor copied for each word', async () => {
  const maxLength = 400;
  const file = exportOnnx({ ...lstm, preprocessing: { ...lstm.preprocessing, maxLength } });
  const classifier = await loadClassifier(file, { providers: 'cpu' });
  const encoder = createEncoder({ ...lstm, vocabularySize: 30 });
  const before = memoryInUse();
  let during = before;
  let runs = 0;
  const run = async (ids: Int32Array, rows: number, time: number) => {
    during = memoryInUse();
    runs += rows;
    return (await classifier.predictIds(ids, rows, time)).probabilities;
  };
  const { labels, preprocessing } = classifier;
  const { words } = await explainText({ labels, preprocessing, encoder, run }, 'w7 '.repeat(200_000), undefined);
  expect(words).toHaveLength(200_000);
  expect(runs).toBeLessThanOrEqual(maxLength + 1); // the text, and without each of the words that are read
  expect((during - before) / 2 ** 20).toBeLessThan(150); // 400 copies of 200,000 ids are 640 MB
  await classifier.dispose();
});

test('a text of no words is explained by none; what it does not know is refused', async () => {
  const classifier = await loadClassifier(exportOnnx(lstm), { providers: 'cpu' });
  expect((await classifier.explain('')).words).toEqual([]);
  await expect(classifier.explain('w1', { label: 'eggs' })).rejects.toMatchObject({ code: 'OPTION_INVALID' });
  await expect(classifier.explain('w1', { of: 'eggs' } as object)).rejects.toMatchObject({ code: 'OPTION_UNKNOWN' });
  const signal = AbortSignal.abort();
  await expect(classifier.explain('w1', { signal })).rejects.toMatchObject({ code: 'INTERRUPTED' });
  await classifier.dispose();
});

test('words are found where they stand, though lowercasing may change how long a text is', () => {
  const options = { lowercase: 'unicode', filters: '.,!?', startId: null, oovId: null, firstWordId: 1 } as const;
  const text = 'İstanbul, Ünïcode 🦆 ΟΔΟΣ! end';
  const found = locateWords(text, options);
  expect(found.map(({ start, end }) => text.slice(start, end))).toEqual(['İstanbul', 'Ünïcode', '🦆', 'ΟΔΟΣ', 'end']);
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (any) => {
      const words = locateWords(any, options);
      expect(words.map(({ word }) => word)).toEqual(tokenize(any, options));
      for (const { start, end } of words) {
        expect(start).toBeLessThan(end);
        expect(any.slice(start, end)).not.toMatch(/[ .,!?]/);
      }
    }),
  );
});
