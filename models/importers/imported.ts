import type { ModelSpec } from '../layers.ts';
import type { TrainedModel } from '../model.ts';
import type { Preprocessing, TokenizerOptions } from '../text/preprocessing.ts';
import type { Weights } from '../weights.ts';
import type { ReadVocabulary } from './vocabulary.ts';

export const importFormats = ['keras', 'tfjs', 'pytorch'] as const;

/** Whose file it is. */
export type ImportFormat = (typeof importFormats)[number];

/** A layer of the file and what it became. */
export interface ImportedLayer {
  /** Its name in the file. */
  readonly name: string;
  /** Its class there, such as `LSTM`. */
  readonly kind: string;
  /** What stands for it in the spec; null where nothing is needed, as for an input. */
  readonly becomes: string | null;
}

/** A setting of the model that the weights do not hold. */
export interface ImportedSetting {
  /** By which `importModel` takes it. */
  readonly name: string;
  /** As the model has it. */
  readonly value: string | number | null;
  /** Who said so: the caller, the file, or nobody. */
  readonly from: 'given' | 'file' | 'default';
}

/** A model of another framework, as one of this package. */
export interface ImportedModel {
  /** What `exportOnnx`, `runParity` and `saveCheckpoint` take. */
  readonly model: TrainedModel;
  /** Whose file it was. */
  readonly format: ImportFormat;
  /** What wrote the file, as far as it says so: `Keras 3.15.1`. */
  readonly producer: string;
  /** In the order of the data. */
  readonly layers: readonly ImportedLayer[];
  /** How texts become ids and outputs labels: each setting, and who chose it. */
  readonly settings: readonly ImportedSetting[];
  /** What a reader should know: what was left out, and what is computed in another way. */
  readonly remarks: readonly string[];
}

/** What a reader of one format makes of a file. */
export interface Architecture {
  readonly producer: string;
  readonly spec: ModelSpec;
  readonly weights: Weights;
  readonly layers: readonly ImportedLayer[];
  readonly remarks: readonly string[];
  /** What the file says on how texts become ids. */
  readonly text: TextFacts;
}

/** What a file, or the habit of a framework, says on how texts become ids. */
export interface TextFacts {
  readonly maxLength?: number;
  readonly padding: Preprocessing['padding'];
  readonly truncating: Preprocessing['truncating'];
  readonly tokenizer?: Partial<TokenizerOptions>;
  /** Of a file that has one. */
  readonly vocabulary?: ReadVocabulary;
  /** Why the tokenizer's filters cannot be those of the file. */
  readonly filtersDiffer?: string;
}
