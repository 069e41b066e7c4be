import type { SpecInput } from '../layers.ts';
import type { Preprocessing } from '../text/preprocessing.ts';

/** How a model is trained and reads its texts, where nobody says otherwise. */
export interface ZooDefaults extends Pick<Preprocessing, 'maxLength' | 'padding' | 'truncating'> {
  /** Most ids of the vocabulary. */
  readonly vocabularySize: number;
  /** Most passes over the training texts. */
  readonly epochs?: number;
  /** Epochs without a gain after which training stops. */
  readonly patience?: number;
  /** Step size of the optimiser. */
  readonly learningRate?: number;
  /** How weights are updated. */
  readonly optimiser?: { readonly type: 'adam-pytorch' };
}

/** A model that is known by name. */
export interface ZooModel {
  /** By which it is known. */
  readonly name: string;
  /** One line: the layers, and what the model is for. */
  readonly summary: string;
  /** What it prefers. */
  readonly defaults: ZooDefaults;
  /** Its spec. @param sizes ids of the vocabulary, and classes (2 or more) */
  build(sizes: { readonly vocabularySize: number; readonly classes: number }): SpecInput;
}

/** A model from its layers. */
export function define({
  name,
  summary,
  defaults,
  initialisers,
  layers,
}: Omit<ZooModel, 'build'> & {
  readonly initialisers?: SpecInput['initialisers'];
  readonly layers: (sizes: Parameters<ZooModel['build']>[0]) => SpecInput['layers'];
}): ZooModel {
  return {
    name,
    summary,
    defaults,
    build: (sizes) => ({ version: 1, name, ...(initialisers && { initialisers }), layers: layers(sizes) }),
  };
}

/**
 * How the IMDB models read their reviews: the last 100 words, as Keras' `pad_sequences` does by default. They train
 * until early stopping ends it.
 */
export const lastHundredWords = { maxLength: 100, padding: 'pre', truncating: 'pre', epochs: 100 } as const;

/** The last layer: one unit with a sigmoid for two classes, else one unit a class with a softmax. */
export function classHead(classes: number): SpecInput['layers'][number] {
  return classes === 2
    ? { type: 'dense', units: 1, activation: 'sigmoid' }
    : { type: 'dense', units: classes, activation: 'softmax' };
}
