/**
 * The 50,000 labelled IMDB reviews with the tokens, ids, order and parts of `keras.datasets.imdb` and of scikit-learn's
 * `train_test_split(test_size=0.2, random_state=42)`.
 *
 * Keras' ids come from texts whose bytes were read as Latin-1. All bytes of a character that is not ASCII are 0x80 or
 * more, and everything that the recipe lowercases or splits at is ASCII; so the words of the decoded texts are the same
 * words, one for one, in letters that people can read, and a model classifies any text by the same ids.
 */
import { join } from 'node:path';
import { kerasTokenizer, type TokenizerOptions } from '../../../models/text/preprocessing.ts';
import { cacheFolder } from '../../core/cache-folder.ts';
import { fail, RecurrentError } from '../../core/errors.ts';
import type { Recipe } from '../dataset.ts';
import { locateReviews } from '../imdb/locate.ts';
import { createLegacyRandom } from '../imdb/numpy-random.ts';
import { type Reviews, readReviews } from '../imdb/read-reviews.ts';
import { official, type ReviewFile } from '../imdb/review-files.ts';
import { createWordTable, type WordTable } from '../imdb/word-table.ts';
import { readWordTable, writeWordTable } from '../imdb/word-table-file.ts';
import type { LabelledText, Reader } from './reader.ts';

/** Id 0 pads, 1 begins a text, 2 stands for unknown words, 3 for nothing, 4 is the most frequent word. */
const imdbTokenizer: TokenizerOptions = { ...kerasTokenizer, lowercase: 'ascii', startId: 1, oovId: 2, firstWordId: 4 };

/** @throws DATA_NOT_FOUND, DATA_INVALID, FILE_NOT_FOUND, FILE_ACCESS, INTERRUPTED */
export const readImdb: Reader = async ({ imdbPath, progress, signal }) => {
  const place = await locateReviews(imdbPath);
  const reviews = await readReviews(place, { progress, signal });
  const { files, contents } = reviews;
  if (place.kind === 'pack' && contents !== official.contents) {
    fail('DATA_INVALID', `${place.path} is damaged: its SHA-256 is ${contents}`, 'Fill it again: recurrent data imdb.');
  }
  const training = files.findIndex(({ name }) => name.startsWith('test/'));
  const { table, notes } = await lookUpWords(reviews, training);
  const { order, parts } = kerasOrder(training, files.length - training);
  return {
    texts: Array.from(order, (index) => exampleOf(files[index] as ReviewFile, wordsOf(table, index))),
    notes: contents === official.contents ? notes : [unofficial(files.length), ...notes],
    recipe: {
      name: 'keras.datasets.imdb',
      parts,
      lexicon: { tokenizer: imdbTokenizer, vocabulary: table.vocabulary },
    },
  };
};

/** Tables of words are kept by the SHA-256 of the texts, so that each text is split once. */
async function lookUpWords(
  { files, contents }: Reviews,
  training: number,
): Promise<{ readonly table: WordTable; readonly notes: readonly string[] }> {
  const path = join(cacheFolder(), 'imdb', `words-${contents}`);
  const kept = await readWordTable(path);
  if (kept) return { table: kept, notes: [] };
  const table = createWordTable(
    files.map(({ text }) => text),
    training,
    imdbTokenizer,
  );
  try {
    await writeWordTable(path, table);
    return { table, notes: [] };
  } catch (error) {
    if (!(error instanceof RecurrentError)) throw error;
    return { table, notes: [`words will be looked up again the next time: ${error.message}`] };
  }
}

interface KerasOrder {
  /** Index among the files of each example: those of the training part first. */
  readonly order: Int32Array;
  readonly parts: Recipe['parts'];
}

/** Keras shuffles both parts with one generator; scikit-learn takes the validation part from the front of a permutation. */
function kerasOrder(training: number, test: number): KerasOrder {
  const order = Int32Array.from({ length: training + test }, (_, index) => index);
  const random = createLegacyRandom(113);
  random.shuffle(order.subarray(0, training));
  random.shuffle(order.subarray(training));
  const permutation = createLegacyRandom(42).permutation(training);
  const validation = Math.ceil(0.2 * training);
  return {
    order,
    parts: {
      train: permutation.slice(validation),
      validation: permutation.slice(0, validation),
      test: Int32Array.from({ length: test }, (_, index) => training + index),
    },
  };
}

function exampleOf({ name, text }: ReviewFile, words: Int32Array): LabelledText {
  return { id: name, text, label: name.split('/', 2)[1] as string, words };
}

function wordsOf({ places, starts }: WordTable, text: number): Int32Array {
  return places.subarray(starts[text], starts[text + 1]);
}

function unofficial(count: number): string {
  return `these ${count} reviews are not the ${official.reviews} of the authors: figures cannot be held against published ones`;
}
