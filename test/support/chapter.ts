/** A chapter of a few made reviews: real runs, a second each. */

import { type ChapterOptions, type ChapterResults, runChapter } from '../../src/chapter/chapter.ts';
import type { Dataset } from '../../src/data/dataset.ts';
import { loadDataset } from '../../src/data/load.ts';
import { writeReviews } from './reviews.ts';

/** Writes reviews into `folder`, keeping the cache of words there too. */
export async function loadMadeReviews(folder: string): Promise<Dataset> {
  const before = process.env.XDG_CACHE_HOME;
  process.env.XDG_CACHE_HOME = folder;
  try {
    await writeReviews(folder);
    return await loadDataset('imdb', { imdbPath: folder });
  } finally {
    if (before === undefined) delete process.env.XDG_CACHE_HOME;
    else process.env.XDG_CACHE_HOME = before;
  }
}

export function smallChapter(data: Dataset, out: string, more: Partial<ChapterOptions> = {}): Promise<ChapterResults> {
  return runChapter({
    data,
    out,
    models: ['simple-rnn-onehot', 'gru-dropout'],
    seeds: [0, 1],
    parityTexts: 10,
    training: { epochs: 3 },
    ...more,
  });
}
