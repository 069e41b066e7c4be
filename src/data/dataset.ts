/** Labelled texts, as the readers give them. */
import { createHash } from 'node:crypto';
import type { Lexicon } from '../../models/text/encoder.ts';

/** A text with its class. */
export interface Example {
  /** Unique in its dataset, and the same at each reading: e.g. `spam-1/00001.7848dde101aa985090474a91ec93fcf0`. */
  readonly id: string;
  /** As it was read. */
  readonly text: string;
  /** Index into the dataset's labels. */
  readonly label: number;
  /** Its words as places in the lexicon of the data set's recipe, −1 for words that it lacks: the text need not be split again. */
  readonly words?: Int32Array | undefined;
}

/** Indices of the examples of each part. */
export interface Parts {
  /** To train on. */
  readonly train: Int32Array<ArrayBuffer>;
  /** For early stopping to watch. */
  readonly validation: Int32Array<ArrayBuffer>;
  /** Held out to the end. */
  readonly test: Int32Array<ArrayBuffer>;
}

/** What a published benchmark lays down, so that figures can be held against its own. */
export interface Recipe {
  /** Whose it is, such as `keras.datasets.imdb`. */
  readonly name: string;
  /** Which examples are in which part. */
  readonly parts: Parts;
  /** How texts become words, and all words that the recipe numbers. */
  readonly lexicon: Lexicon;
}

/** Labelled texts, as `loadDataset` gives them; a program can make its own. */
export interface Dataset {
  /** As given to `loadDataset`. */
  readonly source: string;
  /** Names of the classes. */
  readonly labels: readonly string[];
  /** All texts. */
  readonly examples: readonly Example[];
  /** What the reader met, kept or left out, and a person should know: e.g. `3 texts are empty`. */
  readonly notes: readonly string[];
  /** Group of each example; a split never divides a group. Default: the near-duplicate texts. */
  readonly groups?: Int32Array;
  /** Parts, tokenizer and vocabulary are those of the recipe; options that ask for others are refused. */
  readonly recipe?: Recipe | undefined;
}

const fingerprints = new WeakMap<Dataset, string>();

/** SHA-256 of labels, ids and texts in their order. */
export function datasetFingerprint(dataset: Dataset): string {
  const known = fingerprints.get(dataset);
  if (known !== undefined) return known;
  const { labels, examples } = dataset;
  const hash = createHash('sha256').update(`${JSON.stringify(labels)}\n`);
  for (const { id, label, text } of examples) hash.update(`${JSON.stringify([id, label, text])}\n`);
  const fingerprint = hash.digest('hex');
  fingerprints.set(dataset, fingerprint);
  return fingerprint;
}
