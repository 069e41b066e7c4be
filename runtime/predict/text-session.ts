/**
 * A text that is read in pieces: the states of the recurrent layers are kept between them, so each word is read once,
 * and the result after a piece is that of all of the text so far.
 */
import type { Encoder } from '../../models/text/encoder.ts';
import type { Preprocessing } from '../../models/text/preprocessing.ts';
import { fail } from '../../src/core/errors.ts';
import { checkOptionNames } from '../../src/core/option-names.ts';
import type { Batch, BatchOutputs } from '../batching/runner.ts';
import type { CallOptions, Prediction } from './prediction.ts';

/** What `openText` can be told. */
export interface TextSessionOptions {
  /** Read on where a whole text would be cut to the model's length. Default: false, which refuses what would be cut in front. */
  readonly unlimited?: boolean;
}

/** A text that arrives in pieces. */
export interface TextSession {
  /**
   * Reads one or more whole words. If it fails, the piece counts as not read and may be given again.
   * @returns the prediction for the text so far
   * @throws INPUT_INVALID where the text becomes longer than the model reads; and as `predict`
   */
  push(piece: string, options?: CallOptions): Promise<Prediction>;
  /** Time steps read so far. */
  readonly length: number;
  /** Logits and probabilities of the text so far, [1, outputs] each; undefined before the first piece is read. */
  readonly outputs: Pick<BatchOutputs, 'logits' | 'probabilities'> | undefined;
}

/** What a session takes from a classifier. */
export interface Reading {
  readonly preprocessing: Preprocessing;
  readonly maskZero: boolean;
  readonly units: readonly number[];
  readonly encoder: Encoder;
  run(batch: Batch, signal: AbortSignal | undefined): Promise<BatchOutputs>;
  judge(probabilities: Float32Array, counts: { readonly words: number; readonly knownWords: number }): Prediction;
}

/** All that a text so far leaves behind. */
interface Read {
  readonly states: readonly Float32Array[];
  readonly length: number;
  readonly words: number;
  readonly knownWords: number;
  /** Its result, once there is one. */
  readonly outputs?: Pick<BatchOutputs, 'logits' | 'probabilities'>;
}

/** @throws OPTION_UNKNOWN */
export function createTextSession(reading: Reading, options: TextSessionOptions = {}): TextSession {
  checkOptionNames('openText', options, ['unlimited']);
  const { unlimited = false } = options;
  const { preprocessing, maskZero, units, encoder, run, judge } = reading;
  const { maxLength, truncating, tokenizer } = preprocessing;
  let read: Read = { states: units.map((size) => new Float32Array(size)), length: 0, words: 0, knownWords: 0 };
  let last: Promise<unknown> = Promise.resolve();

  function idsOf(piece: string): number[] {
    const ids = encoder.encode(piece).slice(read.outputs && tokenizer.startId !== null ? 1 : 0);
    if (unlimited || read.length + ids.length <= maxLength) return ids;
    if (truncating === 'post') return ids.slice(0, maxLength - read.length);
    return fail(
      'INPUT_INVALID',
      `the text is longer than ${maxLength} ids, of which the model would read the last: its beginning is read already`,
      'Open the session with { unlimited: true } to read on, or begin a new one.',
    );
  }

  /** Runs ids on from `states`; without any, a zero, which only a model that masks zeros does not read. */
  const step = (ids: readonly number[], states: readonly Float32Array[], signal: AbortSignal | undefined) =>
    run({ ids: Int32Array.from(ids.length ? ids : [0]), rows: 1, time: Math.max(1, ids.length), states }, signal);

  async function readOn(piece: string, signal: AbortSignal | undefined): Promise<Prediction> {
    const ids = idsOf(piece);
    const counted = encoder.encodeAll([piece]);
    const words = read.words + counted.words;
    const knownWords = read.knownWords + counted.words - counted.unknownWords;
    const length = read.length + ids.length;
    const { states, outputs } =
      ids.length === 0 && read.outputs ? { ...read, outputs: read.outputs } : await readIds(ids, length, signal);
    read = { states, length, words, knownWords, outputs };
    return judge(outputs.probabilities, { words, knownWords });
  }

  async function readIds(ids: readonly number[], length: number, signal: AbortSignal | undefined) {
    const nothing = { states: read.states, logits: new Float32Array(), probabilities: new Float32Array() };
    const own = maskZero || ids.length > 0 ? await step(ids, read.states, signal) : nothing;
    const states = own.states as readonly Float32Array[];
    // A model that does not mask zeros reads those behind the text; they are no part of what comes next.
    const zeros = maskZero ? 0 : Math.max(0, maxLength - length);
    const whole = zeros > 0 ? await step(Array<number>(zeros).fill(0), states, signal) : own;
    return { states, outputs: { logits: whole.logits, probabilities: whole.probabilities } };
  }

  return {
    push(piece, { signal } = {}) {
      const next = last.then(() => readOn(piece, signal));
      last = next.catch(() => {});
      return next;
    },
    get length() {
      return read.length;
    },
    get outputs() {
      return read.outputs;
    },
  };
}
