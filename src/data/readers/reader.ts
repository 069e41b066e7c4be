import { fail } from '../../core/errors.ts';
import { nearestNames } from '../../core/nearest.ts';
import type { Progress } from '../../core/progress.ts';
import type { Recipe } from '../dataset.ts';

/** What each reader is given. */
export interface ReaderContext {
  /** Path of a file or folder. */
  readonly source: string;
  /** Columns or fields. */
  readonly textColumn: string;
  readonly labelColumn: string;
  /** Where the IMDB reviews are, if they were named. */
  readonly imdbPath: string | undefined;
  readonly progress: Progress;
  readonly signal: AbortSignal | undefined;
}

/** An example before the classes are known. */
export interface LabelledText {
  readonly id: string;
  readonly text: string;
  readonly label: string;
  /** See `Example`. */
  readonly words?: Int32Array | undefined;
}

export interface Reading {
  readonly texts: readonly LabelledText[];
  /** Of a benchmark. Its indices are those of the texts. */
  readonly recipe?: Recipe | undefined;
  /** What was left out or kept, and a person should know. */
  readonly notes: readonly string[];
}

export type Reader = (context: ReaderContext) => Promise<Reading>;

/**
 * What is read at most, so that a wrong file ends in an error and not in a dead process. All examples are held in
 * memory: the whole of the IMDB reviews takes a quarter of this.
 */
export const limits = {
  /** One text file, one row of a table, or one line of JSON. */
  recordBytes: 4 * 2 ** 20,
  /** A file, or all texts of a folder. */
  totalBytes: 256 * 2 ** 20,
  examples: 1_000_000,
  classes: 1_000,
} as const;

/** What messages call the limit of a record. */
export const largestRecord = `${limits.recordBytes / 2 ** 20} MiB`;

/** Files that are read at the same time. */
export const atOnce = 32;

/** What to do about a column or field that is not there. @param names those that are */
export function columnHint(missing: string, names: readonly string[], option: string): string {
  const [nearest] = nearestNames(missing, names);
  return nearest === undefined ? `Name the right one with ${option}.` : `Is it "${nearest}"? Name it with ${option}.`;
}

/** @throws DATA_INVALID */
export function checkExamples(count: number, source: string): void {
  if (count <= limits.examples) return;
  fail('DATA_INVALID', `${source} holds more than ${limits.examples} examples`, 'Use a part of it.');
}

/** @throws DATA_INVALID */
export function checkTotalBytes(bytes: number, source: string): void {
  if (bytes <= limits.totalBytes) return;
  const mebibytes = limits.totalBytes / 2 ** 20;
  fail('DATA_INVALID', `${source} holds more than ${mebibytes} MiB of text`, 'Use a part of it.');
}

/** @throws INTERRUPTED when `signal` has aborted */
export function checkInterruption(signal: AbortSignal | undefined): void {
  if (signal?.aborted) fail('INTERRUPTED', 'reading the data was stopped', 'Nothing was written: run it again.');
}
