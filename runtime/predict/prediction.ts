import { fail } from '../../src/core/errors.ts';
import { checkOptionNames } from '../../src/core/option-names.ts';

/** What a model says of a text. */
export interface Prediction {
  /** The most probable class. */
  readonly label: string;
  /** Of that class. */
  readonly probability: number;
  /** Probability of every class by its label. */
  readonly scores: Readonly<Record<string, number>>;
  /** Words of the text. */
  readonly words: number;
  /** Those of them that are in the vocabulary. */
  readonly knownWords: number;
  /** The most probable classes by falling probability, if `topK` asked for them. */
  readonly top?: readonly ClassScore[];
}

/** A class and how probable it is. */
export interface ClassScore {
  /** Of the class. */
  readonly label: string;
  /** From 0 to 1. */
  readonly probability: number;
}

/** A prediction under a threshold. */
export interface Decision extends Omit<Prediction, 'label'> {
  /** The most probable class of those that reach their threshold; null where none does. */
  readonly label: string | null;
  /** Of that class; where the label is null, of the most probable one. */
  readonly probability: number;
}

/** Of every call. */
export interface CallOptions {
  /** Ends the call with INTERRUPTED. Others that run in the same batch are not touched. */
  readonly signal?: AbortSignal | undefined;
}

/** What `predict` can be told. */
export interface PredictOptions extends CallOptions {
  /** Adds `top`, the k most probable classes. */
  readonly topK?: number;
}

/** The same with a threshold: the label is null where no class reaches it. */
export interface DecideOptions extends PredictOptions {
  /**
   * A class can be the label only from this probability on: one for all classes, or by label; a class that is not named
   * has none. So `{ spam: 0.9 }` calls spam only what is so with 90 %, and all else by the other label.
   */
  readonly threshold: number | Readonly<Record<string, number>>;
}

/** What a model's row of probabilities becomes. */
export type Judge = (
  probabilities: Float32Array,
  counts: { readonly words: number; readonly knownWords: number },
) => Prediction | Decision;

/**
 * @param labels names of the classes by index
 * @throws OPTION_UNKNOWN, OPTION_INVALID
 */
export function createJudge(labels: readonly string[], options: PredictOptions & Partial<DecideOptions> = {}): Judge {
  checkOptionNames('predict', options, ['signal', 'topK', 'threshold']);
  const { topK, threshold } = options;
  if (topK !== undefined && !(Number.isInteger(topK) && topK >= 1)) {
    fail('OPTION_INVALID', `topK is ${String(topK)}`, 'Give a whole number above 0.');
  }
  const limits = threshold === undefined ? undefined : thresholdsOf(labels, threshold);
  return (probabilities, counts) => {
    const prediction = predictionOf(labels, probabilities, counts);
    const byClass = probabilitiesByClass(probabilities); // in the order of the labels, which `scores` need not keep
    const top = topK === undefined ? {} : { top: ranked(labels, byClass).slice(0, topK) };
    if (!limits) return { ...prediction, ...top };
    const passing = byClass.map((value, index) => (value >= (limits[index] as number) ? value : -1));
    const best = indexOfLargest(passing);
    if ((passing[best] as number) < 0) return { ...prediction, ...top, label: null };
    return { ...prediction, ...top, label: labels[best] as string, probability: byClass[best] as number };
  };
}

/**
 * @param labels names of the classes by index
 * @param probabilities of one row: that of class 1 for two classes with one output, else one a class
 */
export function predictionOf(
  labels: readonly string[],
  probabilities: Float32Array,
  counts: { readonly words: number; readonly knownWords: number },
): Prediction {
  const byClass = probabilitiesByClass(probabilities);
  const best = indexOfLargest(byClass);
  return {
    label: labels[best] as string,
    probability: byClass[best] as number,
    scores: Object.fromEntries(labels.map((label, index) => [label, byClass[index] as number])),
    ...counts,
  };
}

/** @param probabilities of one row, as the model gives them */
export function probabilitiesByClass(probabilities: Float32Array): number[] {
  const [first = 0] = probabilities;
  return probabilities.length === 1 ? [1 - first, first] : [...probabilities];
}

/** The first of the largest. */
export function indexOfLargest(values: readonly number[]): number {
  return values.reduce((leader, value, index) => (value > (values[leader] as number) ? index : leader), 0);
}

function ranked(labels: readonly string[], byClass: readonly number[]): ClassScore[] {
  return labels
    .map((label, index) => ({ label, probability: byClass[index] as number }))
    .sort((a, b) => b.probability - a.probability);
}

function thresholdsOf(labels: readonly string[], threshold: DecideOptions['threshold']): readonly number[] {
  const given =
    typeof threshold === 'number' ? Object.fromEntries(labels.map((label) => [label, threshold])) : threshold;
  for (const [label, value] of Object.entries(given)) {
    if (!labels.includes(label)) {
      fail('OPTION_INVALID', `threshold names ${label}, which is no label`, `Labels are ${labels.join(', ')}.`);
    }
    if (!(value >= 0 && value <= 1)) {
      fail('OPTION_INVALID', `threshold of ${label} is ${String(value)}`, 'Give a probability from 0 to 1.');
    }
  }
  return labels.map((label) => (Object.hasOwn(given, label) ? (given[label] as number) : 0));
}
