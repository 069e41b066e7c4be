/** Training on a data set that has a recipe: its parts, its words, its ids. */
import { beforeAll, expect, test } from 'vitest';
import { createEncoder } from '../../models/text/encoder.ts';
import { kerasTokenizer, type TokenizerOptions } from '../../models/text/preprocessing.ts';
import type { Dataset } from '../../src/data/dataset.ts';
import { createWordTable } from '../../src/data/imdb/word-table.ts';
import { encodeExamples } from '../../src/training/encoded-set.ts';
import { encodeFor } from '../../src/training/evaluate.ts';
import { train } from '../../src/training/train.ts';

const tokenizer: TokenizerOptions = { ...kerasTokenizer, lowercase: 'ascii', startId: 1, oovId: 2, firstWordId: 4 };
const texts = Array.from({ length: 20 }, (_, index) => `${index % 2 ? 'good' : 'bad'} film number${index} İ`);
const table = createWordTable(texts, 12, tokenizer);
const data: Dataset = {
  source: 'made',
  labels: ['neg', 'pos'],
  notes: [],
  examples: texts.map((text, index) => ({
    id: `${index}`,
    text,
    label: index % 2,
    words: table.places.subarray(table.starts[index], table.starts[index + 1]),
  })),
  recipe: {
    name: 'a made recipe',
    parts: {
      train: Int32Array.of(7, 3, 0, 5, 2, 9, 1, 4),
      validation: Int32Array.of(11, 10, 8, 6),
      test: Int32Array.from({ length: 8 }, (_, index) => 12 + index),
    },
    lexicon: { tokenizer, vocabulary: table.vocabulary },
  },
};
const options = {
  spec: ({ vocabularySize }: { vocabularySize: number }) => ({
    version: 1 as const,
    name: 'small',
    layers: [
      { type: 'embedding' as const, inputDim: vocabularySize, outputDim: 2 },
      { type: 'simpleRnn' as const, units: 2 },
      { type: 'dense' as const, units: 1, activation: 'sigmoid' as const },
    ],
  }),
  data,
  epochs: 1,
  engine: 'js' as const,
  maxLength: 6,
  vocabularySize: 10,
};

test('keeps parts, tokenizer and vocabulary of the recipe, the words of its validation part included', async () => {
  const { split, model, options: used } = await train(options);
  expect(split).toEqual({ ...data.recipe?.parts, duplicates: { examples: 0, groups: 0 } });
  expect(model.preprocessing.tokenizer).toEqual(tokenizer);
  expect(model.vocabulary).toEqual(table.vocabulary.slice(0, 6));
  expect(used).toMatchObject({ testSplit: 0.4, validationSplit: 0.2, splitSeed: 0 });
  expect(model.training).toMatchObject({ testSplit: 0.4, validationSplit: 0.2, splitSeed: 0 });
});

test.each([
  ['testSplit', { testSplit: 0.1 }],
  ['validationSplit', { validationSplit: 0.3 }],
  ['splitSeed', { splitSeed: 1 }],
  ['tokenizer.oovId', { tokenizer: { ...tokenizer, oovId: 3 } }],
  ['tokenizer.lowercase', { tokenizer: { ...tokenizer, lowercase: 'none' as const } }],
])('refuses another %s by name', async (name, asked) => {
  await expect(train({ ...options, ...asked })).rejects.toMatchObject({
    code: 'OPTION_UNSUPPORTED',
    message: expect.stringContaining(name),
  });
});

test('words that were looked up give the ids of the texts, and texts are split where they were looked up otherwise', () => {
  for (const [own, vocabulary] of [
    [tokenizer, table.vocabulary.slice(0, 5)],
    [tokenizer, table.vocabulary],
    [{ ...tokenizer, startId: null, oovId: null, firstWordId: 1 }, table.vocabulary.slice(0, 3)],
    [tokenizer, [...table.vocabulary].reverse()],
    [{ ...tokenizer, lowercase: 'unicode' as const }, table.vocabulary],
  ] as const) {
    const preprocessing = { tokenizer: own, maxLength: 5, padding: 'pre', truncating: 'post' } as const;
    for (const vocabularySize of [own.firstWordId + 2, 100]) {
      const encoder = createEncoder({ preprocessing, vocabulary, vocabularySize });
      const fromTexts = encodeExamples(
        encoder,
        data.examples.map(({ id, text, label }) => ({ id, text, label })),
      );
      expect(encodeExamples(encoder, data.examples, data.recipe)).toEqual(fromTexts);
    }
  }
});

let trained: Awaited<ReturnType<typeof train>>;
beforeAll(async () => {
  trained = await train(options);
});

test('evaluation sees the same ids with the recipe as without it', () => {
  const { labels, examples, recipe } = data;
  expect(encodeFor(trained.model, { labels, examples, recipe })).toEqual(
    encodeFor(trained.model, { labels, examples }),
  );
});
