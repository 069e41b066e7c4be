/** The chapter on the real reviews: its facts are those that the authors print, and a small sample goes all the way. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { authorsFacts } from '../../src/chapter/authors.ts';
import { type DataFacts, dataFacts } from '../../src/chapter/facts.ts';
import type { Dataset } from '../../src/data/dataset.ts';
import { loadDataset } from '../../src/data/load.ts';
import { smallChapter } from '../support/chapter.ts';
import { realReviews, whyNoReviews } from '../support/reviews.ts';

if (!realReviews) console.log(`skipped: the chapter on the real reviews: ${whyNoReviews}`);

describe.skipIf(!realReviews)(`the real reviews${realReviews ? '' : `: ${whyNoReviews}`}`, () => {
  let folder: string;
  let data: Dataset;
  let facts: DataFacts;
  const cacheBefore = process.env.XDG_CACHE_HOME;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'recurrent-chapter-real-'));
    process.env.XDG_CACHE_HOME = folder;
    data = await loadDataset('imdb', { imdbPath: realReviews?.archive });
    facts = dataFacts(data);
  });
  afterAll(async () => {
    if (cacheBefore === undefined) delete process.env.XDG_CACHE_HOME;
    else process.env.XDG_CACHE_HOME = cacheBefore;
    await rm(folder, { recursive: true, force: true });
  });

  it('have the lengths and labels that the authors print', () => {
    expect(facts.firstLengths).toEqual(authorsFacts.firstLengths);
    expect(facts.firstLabels).toEqual(authorsFacts.firstLabels);
    expect(facts.lengths.mean).toBe(authorsFacts.meanLength);
    expect(facts.lengths.median).toBe(authorsFacts.medianLength);
    expect(facts.parts.map(({ texts }) => texts)).toEqual([20_000, 5_000, 25_000]);
    expect(facts.parts[2]?.counts).toEqual([12_500, 12_500]);
    expect(facts.lengthCounts.reduce((sum, [length, texts]) => sum + length * texts, 0) / 20_000).toBe(
      authorsFacts.meanLength,
    );
    // What the authors print of train_input[0]: 300 ids, as its 256 shows.
    expect(facts.firstIds.slice(0, 20)).toEqual([
      1, 14, 22, 16, 43, 2, 2, 2, 2, 65, 2, 2, 66, 2, 4, 173, 36, 256, 5, 25,
    ]);
  });

  it('give the sequences of the golden file', async () => {
    const golden = JSON.parse(await readFile(realReviews?.golden ?? '', 'utf8'));
    expect(facts.sequences.length).toBe(2);
    for (const { row, ids } of facts.sequences) {
      expect(ids).toEqual(golden.sequences_num_words_300_maxlen_100_pre[row]);
    }
  });

  it('take the memory that the authors name', () => {
    expect(facts.memory.ids / 2 ** 20).toBeCloseTo(authorsFacts.idsMegabytes, 1);
    expect(facts.memory.oneHot / 2 ** 30).toBeCloseTo(authorsFacts.oneHotGigabytes, 1);
  });

  it('train, test, export and compare, on a sample', async () => {
    const { recipe } = data;
    if (!recipe) return expect.fail('no recipe');
    const { train, validation, test } = recipe.parts;
    const parts = { train: train.slice(0, 1280), validation: validation.slice(0, 320), test: test.slice(0, 640) };
    const { runs } = await smallChapter({ ...data, recipe: { ...recipe, parts } }, join(folder, 'out'), {
      models: ['lstm', 'simple-rnn-pytorch'],
      seeds: [0],
      parityTexts: 100,
      training: { epochs: 6 },
    });
    for (const run of runs) {
      expect(run.test.texts).toBe(640);
      expect(run.stepsPerEpoch).toBe(20);
      expect(run.history.at(-1)?.loss).toBeLessThan(run.history[0]?.loss ?? 0);
      expect(run.parity).toMatchObject({ passed: true, flips: 0 });
      expect(run.onnx.accuracy).toBe(run.test.accuracy);
    }
    expect(runs.map(({ optimiser, patience, learningRate }) => [optimiser, patience, learningRate])).toEqual([
      ['adam-pytorch', 2, 2e-4],
      ['adam', 3, 1e-3],
    ]);
  });
});
