import { fail } from '../../src/core/errors.ts';
import type { Preprocessing } from './preprocessing.ts';

export type PaddingOptions = Pick<Preprocessing, 'maxLength' | 'padding' | 'truncating'>;

/** 4 GiB of ids: above this a matrix is refused before its memory is asked for. */
const maximumIds = 2 ** 30;

/**
 * Brings sequences of ids to one length, as Keras' `pad_sequences`: zeros are added, or ids cut, at the chosen side.
 *
 * @returns ids, [rows, maxLength]
 * @throws OPTION_INVALID when the matrix would not fit into memory
 */
export function padSequences(
  sequences: readonly ArrayLike<number>[],
  options: PaddingOptions,
): Int32Array<ArrayBuffer> {
  const ids = allocateIds(sequences.length, options.maxLength);
  for (const [row, sequence] of sequences.entries()) writeRow(ids, row, sequence, options);
  return ids;
}

/** Zeros, [rows, time]. @throws OPTION_INVALID */
export function allocateIds(rows: number, time: number): Int32Array<ArrayBuffer> {
  if (rows * time > maximumIds) {
    fail(
      'OPTION_INVALID',
      `${rows} sequences of ${time} ids need ${((rows * time * 4) / 2 ** 30).toFixed(1)} GiB`,
      'Choose a smaller maximum length, or encode the texts in parts.',
    );
  }
  return new Int32Array(rows * time);
}

/** Writes `sequence` into a row of zeros of `ids`, [rows, maxLength]. */
export function writeRow(
  ids: Int32Array,
  row: number,
  sequence: ArrayLike<number>,
  { maxLength, padding, truncating }: PaddingOptions,
): void {
  const kept = Math.min(sequence.length, maxLength);
  const from = truncating === 'pre' ? sequence.length - kept : 0;
  const to = row * maxLength + (padding === 'pre' ? maxLength - kept : 0);
  for (let step = 0; step < kept; step++) ids[to + step] = sequence[from + step] as number;
}
