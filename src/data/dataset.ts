/** Labelled texts, as the readers give them. */
import { createHash } from 'node:crypto';

export interface Example {
  /** Unique in its dataset, and the same at each reading: e.g. `spam-1/00001.7848dde101aa985090474a91ec93fcf0`. */
  readonly id: string;
  readonly text: string;
  /** Index into the dataset's labels. */
  readonly label: number;
}

export interface Dataset {
  /** As given to `loadDataset`. */
  readonly source: string;
  /** Names of the classes. */
  readonly labels: readonly string[];
  readonly examples: readonly Example[];
  /** What the reader met, kept or left out, and a person should know: e.g. `3 texts are empty`. */
  readonly notes: readonly string[];
  /** Group of each example; a split never divides a group. Default: the near-duplicate texts. */
  readonly groups?: Int32Array;
}

/** SHA-256 of labels, ids and texts in their order. */
export function datasetFingerprint({ labels, examples }: Dataset): string {
  const hash = createHash('sha256').update(`${JSON.stringify(labels)}\n`);
  for (const { id, label, text } of examples) hash.update(`${JSON.stringify([id, label, text])}\n`);
  return hash.digest('hex');
}
