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
  const [first = 0] = probabilities;
  const byClass = probabilities.length === 1 ? [1 - first, first] : [...probabilities];
  const best = byClass.reduce((leader, value, index) => (value > (byClass[leader] as number) ? index : leader), 0);
  return {
    label: labels[best] as string,
    probability: byClass[best] as number,
    scores: Object.fromEntries(labels.map((label, index) => [label, byClass[index] as number])),
    ...counts,
  };
}
