/** How text becomes ids. Part of the model: it is saved with the weights and travels in the ONNX file. */
import { z } from 'zod';

const id = z
  .int()
  .min(1)
  .max(2 ** 31 - 1);

export const tokenizerSchema = z
  .strictObject({
    /** `unicode`: as Keras' Tokenizer; `ascii`: A–Z only, as keras.datasets.imdb; `none`. */
    lowercase: z.enum(['unicode', 'ascii', 'none']),
    /** Each of these characters becomes a space; the text is then split at single spaces. */
    filters: z.string(),
    /** Put before the first word of every text; null for none. */
    startId: id.nullable(),
    /** Stands for words outside the vocabulary; null drops them. */
    oovId: id.nullable(),
    /** The id of the most frequent word; the others follow by falling count. Id 0 pads. */
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
  /** Time steps: every text is padded or truncated to this length. */
  maxLength: z.int().min(1).max(1_000_000),
  /** Where zeros go when a text is shorter. */
  padding: side,
  /** Where ids are cut when a text is longer. */
  truncating: side,
});

export type Side = z.output<typeof side>;
export type TokenizerOptions = Readonly<z.output<typeof tokenizerSchema>>;
export type Preprocessing = Readonly<z.output<typeof preprocessingSchema>>;

/** Keras' `Tokenizer(oov_token=…)`: id 1 is out of vocabulary, words begin at 2. */
export const kerasTokenizer: TokenizerOptions = {
  lowercase: 'unicode',
  filters: '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n',
  startId: null,
  oovId: 1,
  firstWordId: 2,
};
