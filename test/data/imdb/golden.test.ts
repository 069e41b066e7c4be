/** All 50,000 reviews against values that were computed without this project. */
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createEncoder } from '../../../models/text/encoder.ts';
import { type Dataset, datasetFingerprint, type Example } from '../../../src/data/dataset.ts';
import { official } from '../../../src/data/imdb/review-files.ts';
import { lengthStatistics } from '../../../src/data/length-statistics.ts';
import { loadDataset } from '../../../src/data/load.ts';
import { splitDataset } from '../../../src/data/split.ts';
import { encodeExamples } from '../../../src/training/encoded-set.ts';
import { realReviews, whyNoReviews } from '../../support/reviews.ts';
import { wordsOf } from './recipe.ts';

interface GoldenPart {
  readonly count: number;
  readonly first_names: readonly string[];
  readonly first_labels: readonly number[];
  readonly first_lengths: readonly number[];
  readonly names_sha256: string;
  readonly mean_length: number;
}

if (!realReviews) console.log(`skipped: ${whyNoReviews}`);

describe.skipIf(!realReviews)(`the real reviews${realReviews ? '' : `: ${whyNoReviews}`}`, () => {
  let folder: string;
  let reviews: Dataset;
  let golden: Record<string, never>;
  const cacheBefore = process.env.XDG_CACHE_HOME;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'recurrent-golden-'));
    process.env.XDG_CACHE_HOME = folder;
    golden = JSON.parse(await readFile(realReviews?.golden ?? '', 'utf8'));
    reviews = await loadDataset('imdb', { imdbPath: realReviews?.archive });
  });
  afterAll(async () => {
    if (cacheBefore === undefined) delete process.env.XDG_CACHE_HOME;
    else process.env.XDG_CACHE_HOME = cacheBefore;
    await rm(folder, { recursive: true, force: true });
  });

  const partOf = (name: 'train' | 'test') => reviews.examples.filter(({ id }) => id.startsWith(`${name}/`));
  const pick = (part: Int32Array) => Array.from(part, (index) => reviews.examples[index] as Example);
  const lengthOf = ({ words }: Example) => 1 + (words?.length ?? Number.NaN);
  const mean = (numbers: readonly number[]) => numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
  const hashNames = (examples: readonly Example[]) =>
    createHash('sha256')
      .update(examples.map(({ id }) => id).join('\n'))
      .digest('hex');

  test('are known to be the authors’ own', () => {
    expect(reviews.notes).toEqual([]);
    expect(reviews.examples.length).toBe(official.reviews);
    expect(reviews.labels).toEqual(['neg', 'pos']);
  });

  test('vocabulary: size, and the most frequent words by falling count', () => {
    const vocabulary = reviews.recipe?.lexicon.vocabulary ?? [];
    const top: readonly [string, number][] = golden.top_words ?? [];
    expect(vocabulary.length).toBe(golden.vocabulary_size);
    expect(vocabulary.slice(0, top.length)).toEqual(top.map(([word]) => word));
    const counts = new Int32Array(vocabulary.length);
    for (const { words } of partOf('train')) for (const place of words ?? []) counts[place] = (counts[place] ?? 0) + 1;
    expect([...counts.slice(0, top.length)]).toEqual(top.map(([, count]) => count));
    expect([...counts]).toEqual([...counts].sort((a, b) => b - a));
  });

  test.each(['train', 'test'] as const)('%s: order, labels and lengths', (name) => {
    const expected = golden[name] as unknown as GoldenPart;
    const examples = partOf(name);
    const first = examples.slice(0, expected.first_names.length);
    expect(examples.length).toBe(expected.count);
    expect(first.map(({ id }) => id)).toEqual(expected.first_names);
    expect(first.map(({ label }) => label)).toEqual(expected.first_labels);
    expect(first.map(lengthOf)).toEqual(expected.first_lengths);
    expect(hashNames(examples)).toBe(expected.names_sha256);
    expect(mean(examples.map(lengthOf))).toBeCloseTo(expected.mean_length, 9);
  });

  test('the parts of train_test_split, in its order', () => {
    const expected = golden.split_random_state_42 as unknown as Record<string, number | string | number[]>;
    const { train, validation, test: held } = splitDataset(reviews, { seed: 0, testSplit: 0.5, validationSplit: 0.1 });
    expect([train.length, validation.length, held.length]).toEqual([20_000, 5_000, 25_000]);
    expect([...train.slice(0, 20)]).toEqual(expected.first_train_indices);
    expect([...validation.slice(0, 20)]).toEqual(expected.first_validation_indices);
    expect(hashNames(pick(train))).toBe(expected.train_names_sha256);
    expect(hashNames(pick(validation))).toBe(expected.validation_names_sha256);
    const lengths = lengthStatistics(Int32Array.from(pick(train), lengthOf), 100);
    expect(lengths).toMatchObject({
      mean: expected.train_mean_length,
      median: expected.train_median_length,
      max: expected.train_max_length,
      min: expected.train_min_length,
    });
  });

  test('sequences, from looked-up words and from the texts themselves', () => {
    const expected: Record<string, number[]> = golden.sequences_num_words_300_maxlen_100_pre ?? {};
    const { recipe } = reviews;
    const tokenizer = recipe?.lexicon.tokenizer;
    if (!recipe || !tokenizer) throw new Error('no recipe');
    const encoder = createEncoder({
      preprocessing: { tokenizer, maxLength: 100, padding: 'pre', truncating: 'pre' },
      vocabulary: recipe.lexicon.vocabulary.slice(0, 296),
      vocabularySize: 300,
    });
    // The golden sequences are rows of the training part of the split.
    const { train } = recipe.parts;
    for (const [row, sequence] of Object.entries(expected)) {
      const example = reviews.examples[train[Number(row)] as number] as Example;
      expect([...encodeExamples(encoder, [example], recipe).ids]).toEqual(sequence);
      expect([...encoder.encodeAll([example.text]).ids]).toEqual(sequence);
    }
    // Compared as bytes: toEqual looks at each of 500,000 ids by itself.
    const some = reviews.examples.filter((_, index) => index % 10 === 0);
    const [fromWords, fromTexts] = [encodeExamples(encoder, some, recipe), encodeExamples(encoder, some)];
    expect(Buffer.from(fromWords.ids.buffer).equals(Buffer.from(fromTexts.ids.buffer))).toBe(true);
    expect(fromWords.lengths).toEqual(fromTexts.lengths);
  });

  test('words of texts with letters beyond ASCII are those of their bytes as Latin-1, one for one', () => {
    const vocabulary = reviews.recipe?.lexicon.vocabulary ?? [];
    const strange = partOf('train').filter(({ text }) => /\P{ASCII}/u.test(text));
    expect(strange.length).toBeGreaterThan(2_000);
    for (const { text, words = new Int32Array() } of strange) {
      const own = Array.from(words, (place) => Buffer.from(vocabulary[place] ?? '').toString('latin1'));
      expect(own).toEqual(wordsOf(Buffer.from(text)));
    }
  });

  test('a second reading finds the words looked up, and gives the same', async () => {
    const again = await loadDataset('imdb', { imdbPath: realReviews?.archive });
    const allWords = ({ examples }: Dataset) =>
      Buffer.concat(examples.map(({ words }) => Buffer.from(words?.slice().buffer ?? new ArrayBuffer(0))));
    expect(datasetFingerprint(again)).toBe(datasetFingerprint(reviews));
    expect(allWords(again).equals(allWords(reviews))).toBe(true);
    expect(again.recipe?.lexicon.vocabulary.join(' ')).toBe(reviews.recipe?.lexicon.vocabulary.join(' '));
  });
});
