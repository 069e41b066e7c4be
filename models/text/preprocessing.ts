/** How text becomes ids. Part of the model: it is saved with the weights and travels in the ONNX file. */
import { z } from 'zod';

const id = z
  .int()
  .min(1)
  .max(2 ** 31 - 1);

/** How a text becomes words, and words become ids. */
export interface TokenizerOptions {
  /** `unicode`: as Keras' Tokenizer; `ascii`: A–Z only, as keras.datasets.imdb; `none`. */
  readonly lowercase: 'unicode' | 'ascii' | 'none';
  /** Each of these characters becomes a space; the text is then split at single spaces. */
  readonly filters: string;
  /** Put before the first word of every text; null for none. */
  readonly startId: number | null;
  /** Stands for words outside the vocabulary; null drops them. */
  readonly oovId: number | null;
  /** The id of the most frequent word; the others follow by falling count. Id 0 pads. */
  readonly firstWordId: number;
}

/** How a text becomes a row of ids. */
export interface Preprocessing {
  /** How it becomes words. */
  readonly tokenizer: TokenizerOptions;
  /** Time steps: every text is padded or truncated to this length. */
  readonly maxLength: number;
  /** Where zeros go when a text is shorter. */
  readonly padding: Side;
  /** Where ids are cut when a text is longer. */
  readonly truncating: Side;
}

/** At the beginning of a text, or at its end. */
export type Side = 'pre' | 'post';

export const tokenizerSchema = z
  .strictObject({
    lowercase: z.enum(['unicode', 'ascii', 'none']),
    filters: z.string(),
    startId: id.nullable(),
    oovId: id.nullable(),
    firstWordId: id,
  })
  .refine(
    ({ startId, oovId, firstWordId }) =>
      (startId ?? 0) < firstWordId && (oovId ?? 0) < firstWordId && (startId === null || startId !== oovId),
    'startId and oovId must differ and be below firstWordId',
  );

export const side = z.enum(['pre', 'post']);

export const preprocessingSchema = z.strictObject({
  tokenizer: tokenizerSchema,
  maxLength: z.int().min(1).max(1_000_000),
  padding: side,
  truncating: side,
}) satisfies z.ZodType<Preprocessing>;

/** Keras' `Tokenizer(oov_token=…)`: id 1 is out of vocabulary, words begin at 2. */
export const kerasTokenizer: TokenizerOptions = {
  lowercase: 'unicode',
  filters: '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n',
  startId: null,
  oovId: 1,
  firstWordId: 2,
};

/**
 * What a run reads texts by unless it says otherwise: Keras' rules, with `\r` and the no-break space among the filters.
 * A form in a browser sends `\r\n` and pages are pasted with `&nbsp;`: Keras would leave both inside words, which no
 * vocabulary then has.
 */
export const defaultTokenizer: TokenizerOptions = { ...kerasTokenizer, filters: `${kerasTokenizer.filters}\r\u00a0` };
