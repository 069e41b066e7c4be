/**
 * Which words moved a score, by exact leave-one-out: the text is classified once more without each of its words, all in
 * one go. What a word adds is the probability with it less the probability without it. Where the text is longer than
 * the model reads, the word that moves up into the place of the one left out is read, as it would be in the text
 * without that word.
 */
import type { Encoder } from '../../models/text/encoder.ts';
import { allocateIds, writeRow } from '../../models/text/padding.ts';
import type { Preprocessing } from '../../models/text/preprocessing.ts';
import { locateWords } from '../../models/text/tokenize.ts';
import { fail } from '../../src/core/errors.ts';
import { type Prediction, predictionOf, probabilitiesByClass } from './prediction.ts';

/** What `explain` can be told. */
export interface ExplainOptions {
  /** Ends the call with INTERRUPTED. */
  readonly signal?: AbortSignal | undefined;
  /** The class whose probability is explained. Default: the most probable one. */
  readonly label?: string;
}

/** A prediction and what each word adds to it. */
export interface Explanation {
  /** For the whole text. */
  readonly prediction: Prediction;
  /** The class whose probability is explained. */
  readonly label: string;
  /** Of that class, for the whole text. */
  readonly probability: number;
  /** In the order of the text. */
  readonly words: readonly WordContribution[];
}

/** A word, where it stands, and what it adds. */
export interface WordContribution {
  /** As the tokenizer reads it. */
  readonly word: string;
  /** Where it stands in the text, in UTF-16 code units: `text.slice(start, end)`. */
  readonly start: number;
  /** Where it ends: the place after its last code unit. */
  readonly end: number;
  /** Whether it is in the vocabulary. */
  readonly known: boolean;
  /**
   * Probability of the class with the word less that without it. Exactly 0 for a word that the model does not read:
   * one that is cut off, or is not in the vocabulary and is dropped.
   */
  readonly contribution: number;
}

/** What explaining takes from a classifier. */
export interface Explained {
  readonly labels: readonly string[];
  readonly preprocessing: Preprocessing;
  readonly encoder: Encoder;
  /** Runs rows of ids, [rows, time], and gives probabilities, [rows, outputs]. */
  run(ids: Int32Array, rows: number, time: number): Promise<Float32Array>;
}

/** @throws OPTION_INVALID, and what `run` throws */
export async function explainText(
  { labels, preprocessing, encoder, run }: Explained,
  text: string,
  wanted: string | undefined,
): Promise<Explanation> {
  if (wanted !== undefined && !labels.includes(wanted)) {
    fail('OPTION_INVALID', `${wanted} is no label`, `Labels are ${labels.join(', ')}.`);
  }
  const { startId, oovId } = preprocessing.tokenizer;
  const words = locateWords(text, preprocessing.tokenizer);
  const first = startId === null ? 0 : 1;
  const ids = startId === null ? [] : [startId];
  /** Where the id of each word stands; −1 for one that is dropped. */
  const places = words.map(({ word }) => {
    const [id] = encoder.encode(word).slice(first);
    return id === undefined ? -1 : ids.push(id) - 1;
  });
  const { maxLength, truncating } = preprocessing;
  const isRead = (place: number) =>
    place >= 0 && (truncating === 'pre' ? place >= ids.length - maxLength : place < maxLength);
  const read = places.filter(isRead);
  // A row without a word reads one id more of the text than the whole text does, and none beyond that.
  const from = truncating === 'pre' ? Math.max(0, ids.length - maxLength - 1) : 0;
  const near = ids.slice(from, from + maxLength + 1);
  const rows = read.length + 1;
  const matrix = allocateIds(rows, maxLength);
  writeRow(matrix, 0, near, preprocessing);
  for (const [index, place] of read.entries()) {
    writeRow(matrix, index + 1, near.toSpliced(place - from, 1), preprocessing);
  }

  const probabilities = await run(matrix, rows, maxLength);
  const outputs = probabilities.length / rows;
  const rowOf = (row: number) => probabilities.subarray(row * outputs, (row + 1) * outputs);
  const { unknownWords } = encoder.encodeAll([text]);
  const prediction = predictionOf(labels, rowOf(0), { words: words.length, knownWords: words.length - unknownWords });
  const label = wanted ?? prediction.label;
  const index = labels.indexOf(label);
  const score = (row: number) => probabilitiesByClass(rowOf(row))[index] as number;
  const whole = score(0);
  let row = 0;
  return {
    prediction,
    label,
    probability: whole,
    words: words.map((word, at) => {
      const place = places[at] as number;
      const known = place >= 0 && ids[place] !== oovId;
      return { ...word, known, contribution: isRead(place) ? whole - score(++row) : 0 };
    }),
  };
}
