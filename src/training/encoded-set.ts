/** Encoded examples. */
import type { EncodedTexts, Encoder } from '../../models/text/encoder.ts';
import type { Example, Recipe } from '../data/dataset.ts';

export interface EncodedSet {
  readonly rows: number;
  readonly time: number;
  readonly ids: Int32Array; // [rows, time]
  readonly targets: Int32Array; // [rows]
}

export interface EncodedExamples extends EncodedSet {
  /** Ids of each text before padding and truncating, [rows]. */
  readonly lengths: Int32Array;
}

/** @param recipe of the data set that the examples are of; where the encoder follows it, no text is split again */
export function encodeExamples(encoder: Encoder, examples: readonly Example[], recipe?: Recipe): EncodedExamples {
  const { ids, rows, time, lengths } = encodeTexts(encoder, examples, recipe);
  return { ids, rows, time, lengths, targets: Int32Array.from(examples, ({ label }) => label) };
}

function encodeTexts(encoder: Encoder, examples: readonly Example[], recipe: Recipe | undefined): EncodedTexts {
  const words = examples.flatMap((example) => example.words ?? []);
  const known = words.length === examples.length && recipe && encoder.agreesWith(recipe.lexicon);
  return known ? encoder.encodePlaces(words) : encoder.encodeAll(examples.map(({ text }) => text));
}
