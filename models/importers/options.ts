/** What a caller tells of a model besides its file: how texts become ids, and what the outputs are called. */
import { z } from 'zod';
import { fail } from '../../src/core/errors.ts';
import { checkOptionNames } from '../../src/core/option-names.ts';
import { parsedOnce } from '../spec.ts';
import type { SpecInput } from '../spec-input.ts';
import { side, type TokenizerOptions } from '../text/preprocessing.ts';
import { type ImportFormat, importFormats } from './imported.ts';
import type { VocabularySource } from './vocabulary.ts';

/** What the layers of PyTorch's Python code do between those that have weights. */
export interface PytorchOptions {
  /** How the outputs of the recurrent layer become one vector: its last state (`h_n`), or their average or maximum. */
  readonly pooling?: 'last' | 'average' | 'max' | undefined;
  /** Whether steps of id 0 are skipped, as with `pack_padded_sequence`, or read like any other. */
  readonly padding?: 'skipped' | 'read' | undefined;
  /** Of `nn.RNN`. */
  readonly nonlinearity?: 'tanh' | 'relu' | undefined;
  /** After each linear layer but the last. */
  readonly hiddenActivation?: 'linear' | 'relu' | 'tanh' | 'sigmoid' | undefined;
  /** Names of the modules in the order of the data. Default: as their shapes fit together, where only one order does. */
  readonly modules?: readonly string[] | undefined;
  /** The whole model, in place of all these; the file gives the weights alone. */
  readonly spec?: SpecInput | undefined;
}

/** How a file of another framework is read. */
export interface ImportOptions {
  /** Whose file it is. Default: what the file looks like. */
  readonly format?: ImportFormat | undefined;
  /** Path of a vocabulary, or its words by id. Default: that of the file, if it has one. */
  readonly vocabulary?: string | VocabularySource | undefined;
  /** Names of the classes in the order of their indices. Default: `0`, `1`, … */
  readonly labels?: readonly string[] | undefined;
  /** Time steps: texts are padded or cut to this length. Default: the length of the file's input. */
  readonly maxLength?: number | undefined;
  /** Where zeros go in a short text. Default: `pre` for Keras and TensorFlow.js, `post` for PyTorch. */
  readonly padding?: 'pre' | 'post' | undefined;
  /** Where a long text is cut. Default: likewise. */
  readonly truncating?: 'pre' | 'post' | undefined;
  /** How texts become words and words ids. Default: what the vocabulary says, else Keras' `Tokenizer`. */
  readonly tokenizer?: Partial<TokenizerOptions> | undefined;
  /** Words whose id is not below it are out of vocabulary. Default: the ids of the model. */
  readonly vocabularySize?: number | undefined;
  /** Of the model. Default: its name in the file. */
  readonly name?: string | undefined;
  /** What no file of PyTorch says. */
  readonly pytorch?: PytorchOptions | undefined;
}

const id = z
  .int()
  .min(1)
  .max(2 ** 31 - 1);

/** The JSON form; what is no JSON is checked where it is used. */
export const importSchema = z.strictObject({
  format: z.enum(importFormats).optional(),
  vocabulary: z.unknown().optional(),
  labels: z.array(z.string().min(1)).optional(),
  maxLength: z.int().min(1).max(1_000_000).optional(),
  padding: side.optional(),
  truncating: side.optional(),
  tokenizer: z
    .strictObject({
      lowercase: z.enum(['unicode', 'ascii', 'none']).optional(),
      filters: z.string().optional(),
      startId: id.nullable().optional(),
      oovId: id.nullable().optional(),
      firstWordId: id.optional(),
    })
    .optional(),
  vocabularySize: id.min(2).optional(),
  name: z.string().min(1).max(100).optional(),
  pytorch: z
    .strictObject({
      pooling: z.enum(['last', 'average', 'max']).optional(),
      padding: z.enum(['skipped', 'read']).optional(),
      nonlinearity: z.enum(['tanh', 'relu']).optional(),
      hiddenActivation: z.enum(['linear', 'relu', 'tanh', 'sigmoid']).optional(),
      modules: z.array(z.string().min(1)).min(1).optional(),
      spec: z.unknown().optional(),
    })
    .optional(),
});

/** @throws OPTION_UNKNOWN, OPTION_INVALID */
export function checkImportOptions(options: ImportOptions): void {
  checkOptionNames('importModel', options, Object.keys(importSchema.shape));
  const result = importSchema.safeParse(options, parsedOnce);
  if (result.success) return;
  const [issue] = result.error.issues;
  fail('OPTION_INVALID', `${issue?.path.join('.')}: ${issue?.message}`, 'See docs/import.md for what it takes.');
}
