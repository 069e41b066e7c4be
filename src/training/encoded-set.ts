/** Encoded examples. */
import type { Encoder } from '../../models/text/encoder.ts';
import type { Example } from '../data/dataset.ts';

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

export function encodeExamples(encoder: Encoder, examples: readonly Example[]): EncodedExamples {
  const { ids, rows, time, lengths } = encoder.encodeAll(examples.map(({ text }) => text));
  return { ids, rows, time, lengths, targets: Int32Array.from(examples, ({ label }) => label) };
}
