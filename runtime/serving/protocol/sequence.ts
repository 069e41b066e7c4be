/** Triton's sequence extension: parameters of a request by which it is a piece of a longer text. */
import { fail } from '../../../src/core/errors.ts';
import type { Parameters } from './tensor.ts';

export interface SequencePiece {
  readonly id: string | number;
  /** The first piece; one of that id that is open is given up. */
  readonly start: boolean;
  /** The last piece. */
  readonly end: boolean;
}

const longest = 128;

/** @returns undefined for a request that stands alone. @throws REQUEST_INVALID */
export function readSequence(parameters: Parameters): SequencePiece | undefined {
  const { sequence_id: id } = parameters;
  const start = readFlag('sequence_start', parameters);
  const end = readFlag('sequence_end', parameters);
  if (id === undefined || id === 0 || id === '') {
    // what clients send for none
    if (!start && !end) return undefined;
    return fail('REQUEST_INVALID', 'sequence_start or sequence_end is given without sequence_id', 'Give sequence_id.');
  }
  const fits = typeof id === 'string' ? id.length <= longest : Number.isSafeInteger(id) && Number(id) > 0;
  if (typeof id === 'boolean' || !fits) {
    fail(
      'REQUEST_INVALID',
      `sequence_id is ${JSON.stringify(id)}`,
      `Give a whole number from 1 to 2^53 - 1, or a text of at most ${longest} letters.`,
    );
  }
  return { id, start, end };
}

function readFlag(name: string, { [name]: value = false }: Parameters): boolean {
  return typeof value === 'boolean'
    ? value
    : fail('REQUEST_INVALID', `${name} is not a boolean`, 'Give true or false.');
}
