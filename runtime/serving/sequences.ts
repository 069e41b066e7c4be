/**
 * Texts that clients send in pieces, by Triton's sequence extension: the states of the recurrent layers stay here, with
 * the model that made them, so a process of that model may die between two pieces. What nobody goes on with is forgotten
 * after a while, and there is a bound on how many there are.
 */
import { fail, RecurrentError } from '../../src/core/errors.ts';
import type { RawOutputs } from '../predict/text-classifier.ts';
import type { TextSession } from '../predict/text-session.ts';
import type { SequencePiece } from './protocol/sequence.ts';

export interface SequenceLimits {
  /** Sequences of one model. */
  readonly maxSequences: number;
  /** Seconds after its last piece in which a sequence is forgotten. */
  readonly sequenceIdleSeconds: number;
}

export interface Sequences {
  readonly count: number;
  /**
   * Reads a piece, and gives the outputs for the text so far. Pieces of one sequence are read in the order in which they
   * come. One that fails counts as not read, and may be sent again.
   * @throws SEQUENCE_UNKNOWN, SEQUENCES_FULL; and as `push` of a text session
   */
  read(piece: SequencePiece, text: string, signal: AbortSignal): Promise<RawOutputs>;
  /** Forgets all. */
  close(): void;
}

interface Sequence {
  readonly session: TextSession;
  /** When its last piece came or was read. */
  used: number;
  /** Pieces that are being read or wait for it. */
  pieces: number;
  /** The piece that came last. When one fails, those that wait for it fail, too: they would be read without it. */
  last: Promise<unknown>;
}

/** @param open begins a text. @throws OPTION_UNSUPPORTED where the model carries no states */
export function createSequences(open: () => TextSession, limits: SequenceLimits): Sequences {
  const { maxSequences } = limits;
  const idleMs = limits.sequenceIdleSeconds * 1000;
  /** The one that was used longest ago comes first. */
  const sequences = new Map<string | number, Sequence>();
  let timer: NodeJS.Timeout | undefined;

  function touch(id: string | number, sequence: Sequence): void {
    sequence.used = performance.now();
    sequences.delete(id);
    sequences.set(id, sequence);
    timer ??= setTimeout(expire, idleMs).unref();
  }

  function expire(): void {
    timer = undefined;
    const now = performance.now();
    for (const [id, { used, pieces }] of sequences) {
      if (pieces > 0) continue;
      const left = used + idleMs - now;
      if (left > 0) {
        timer = setTimeout(expire, left).unref();
        return;
      }
      sequences.delete(id);
    }
    if (sequences.size > 0) timer = setTimeout(expire, idleMs).unref();
  }

  function begin(id: string | number): Sequence {
    const session = open();
    if (sequences.size >= maxSequences && !sequences.has(id)) {
      fail('SEQUENCES_FULL', `${maxSequences} sequences are open`, 'End some by sequence_end, or try again later.');
    }
    return { session, used: 0, pieces: 0, last: Promise.resolve() };
  }

  async function read({ id, start, end }: SequencePiece, text: string, signal: AbortSignal): Promise<RawOutputs> {
    const sequence = start ? begin(id) : (sequences.get(id) ?? unknown(id));
    const { session, last } = sequence;
    touch(id, sequence);
    sequence.pieces++;
    const own = last.then(() => session.push(text, { signal }));
    sequence.last = own;
    let isRead = false;
    try {
      await own;
      isRead = true;
      return session.outputs as RawOutputs;
    } catch (error) {
      if (error instanceof RecurrentError && error.code === 'DISPOSED') return unknown(id);
      throw error;
    } finally {
      sequence.pieces--;
      if (sequence.pieces === 0) sequence.last = Promise.resolve();
      if (sequences.get(id) === sequence) {
        const isOver = isRead ? end : sequence.pieces === 0 && !session.outputs;
        if (isOver) sequences.delete(id);
        else touch(id, sequence);
      }
    }
  }

  function unknown(id: string | number): never {
    open(); // a model without states has none at all, and says so
    fail(
      'SEQUENCE_UNKNOWN',
      `there is no sequence ${JSON.stringify(id)}`,
      `Begin it with sequence_start: it was not, has ended, had no piece for ${limits.sequenceIdleSeconds} s, or its model was replaced.`,
    );
  }

  return {
    get count() {
      return sequences.size;
    },
    read,
    close() {
      clearTimeout(timer);
      sequences.clear();
    },
  };
}
