/**
 * How good predictions are, by scikit-learn's definitions (`precision_score`, `recall_score`, `f1_score`,
 * `roc_auc_score`). Of two classes the second is the positive one; of more, each is judged against all others and the
 * mean over the classes is taken (`average="macro"`, `multi_class="ovr"`). What would divide by zero is 0
 * (`zero_division=0`), but an area needs examples of both kinds.
 */
import { z } from 'zod';

/** What early stopping and the best checkpoint can watch. */
export const metricName = z.enum(['loss', 'accuracy', 'precision', 'recall', 'f1', 'auc']);
export type MetricName = z.output<typeof metricName>;

/** Six figures of a model on some texts. */
export interface Metrics {
  /** Mean over the rows. */
  readonly loss: number;
  /** Share of rows whose most probable class is the right one. */
  readonly accuracy: number;
  /** Of what was taken for a class, the share that is of it. */
  readonly precision: number;
  /** Of what is of a class, the share that was taken for it. */
  readonly recall: number;
  /** Harmonic mean of the two; of several classes the mean of theirs. */
  readonly f1: number;
  /** Area under the receiver operating characteristic; null where a class has no examples, or all of them. */
  readonly auc: number | null;
}

/** One class against all others. */
export interface ClassMetrics extends Pick<Metrics, 'precision' | 'recall' | 'f1' | 'auc'> {
  /** Examples of the class. */
  readonly support: number;
}

/** Predictions over a set of examples. */
export interface Judged {
  /** confusion[i][j]: examples of class i that were taken for class j. */
  readonly confusion: readonly (readonly number[])[];
  readonly probabilities: Float32Array; // [examples, classes]
  readonly targets: Int32Array; // [examples]
}

export function classMetrics({ confusion, probabilities, targets }: Judged): ClassMetrics[] {
  const classes = confusion.length;
  const binary = classes === 2;
  const areaOf = (label: number) =>
    areaUnderRoc(
      targets.map((target) => (target === label ? 1 : 0)),
      Float32Array.from(targets, (_, row) => probabilities[row * classes + label] as number),
    );
  // Of two classes it is the same whichever is called positive, but for the roundings of 1 − p.
  const shared = binary ? areaOf(1) : undefined;
  return confusion.map((taken, label) => {
    const support = taken.reduce((sum, count) => sum + count, 0);
    const hits = taken[label] as number;
    const named = confusion.reduce((sum, row) => sum + (row[label] as number), 0);
    return {
      precision: ratio(hits, named),
      recall: ratio(hits, support),
      f1: ratio(2 * hits, named + support),
      auc: shared === undefined ? areaOf(label) : shared,
      support,
    };
  });
}

/** Of two classes the figures of the second; of more, the mean over all. */
export function overallMetrics(classes: readonly ClassMetrics[]): Pick<Metrics, 'precision' | 'recall' | 'f1' | 'auc'> {
  const counted = classes.length === 2 ? classes.slice(1) : classes;
  const mean = (pick: (one: ClassMetrics) => number) =>
    counted.reduce((sum, one) => sum + pick(one), 0) / counted.length;
  return {
    precision: mean(({ precision }) => precision),
    recall: mean(({ recall }) => recall),
    f1: mean(({ f1 }) => f1),
    auc: counted.some(({ auc }) => auc === null) ? null : mean(({ auc }) => auc as number),
  };
}

/**
 * The chance that a positive example has a higher score than a negative one, ties counting half: exact.
 *
 * @param positives 1 or 0 for each example
 * @returns null where all examples are of one kind
 */
export function areaUnderRoc(positives: ArrayLike<number>, scores: Float32Array): number | null {
  const of = (kind: number) => scores.filter((_, row) => positives[row] === kind).sort();
  const [higher, lower] = [of(1), of(0)];
  if (higher.length === 0 || lower.length === 0) return null;
  let pairs = 0;
  let below = 0; // negatives below the score at hand
  let upTo = 0; // negatives not above it
  for (const score of higher) {
    while (below < lower.length && (lower[below] as number) < score) below++;
    upTo = Math.max(upTo, below);
    while (upTo < lower.length && lower[upTo] === score) upTo++;
    pairs += (below + upTo) / 2;
  }
  return pairs / higher.length / lower.length;
}

/** What an engine found of some rows. */
interface Predictions {
  /** Mean over the rows. */
  readonly loss: number;
  readonly correct: number;
  /** [rows, outputs]: of one output the probability of class 1. */
  readonly probabilities: Float32Array;
}

export interface Score {
  add(found: Predictions, targets: Int32Array): void;
  /** Of all that was added. */
  metrics(): Metrics;
  /** Of what was added so far, without a look at all of it. */
  soFar(): Pick<Metrics, 'loss' | 'accuracy'>;
  /** All that was added. */
  judged(): Judged;
}

/**
 * Adds up what is found batch by batch.
 * @param rows most rows that will be added
 * @param order in which all of them will be: what is judged then stands at the places of the rows. Default: as they come
 */
export function createScore(rows: number, order?: Uint32Array): Score {
  const targets = new Int32Array(rows);
  let probabilities = new Float32Array(0);
  let confusion: number[][] = [];
  let done = 0;
  let lossSum = 0;
  let correct = 0;
  const soFar = () => ({ loss: lossSum / done, accuracy: correct / done });
  const judged = () => ({
    confusion,
    probabilities: probabilities.subarray(0, done * confusion.length),
    targets: targets.subarray(0, done),
  });
  return {
    add(found, own) {
      const outputs = found.probabilities.length / own.length;
      const classes = Math.max(outputs, 2);
      if (done === 0) {
        probabilities = new Float32Array(rows * classes);
        confusion = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
      }
      for (const [row, target] of own.entries()) {
        const ofRow = rowProbabilities(found.probabilities, outputs, row);
        const place = order ? (order[done + row] as number) : done + row;
        probabilities.set(ofRow, place * classes);
        targets[place] = target;
        const counts = confusion[target] as number[];
        const label = mostProbable(ofRow);
        counts[label] = (counts[label] as number) + 1;
      }
      done += own.length;
      lossSum += found.loss * own.length;
      correct += found.correct;
    },
    soFar,
    judged,
    metrics: () => ({ ...soFar(), ...overallMetrics(classMetrics(judged())) }),
  };
}

/** One number for each class, where a binary head gives that of class 1 only. */
function rowProbabilities(probabilities: Float32Array, outputs: number, row: number): ArrayLike<number> {
  if (outputs > 1) return probabilities.subarray(row * outputs, (row + 1) * outputs);
  const second = probabilities[row] as number;
  return [1 - second, second];
}

/** The first of equals, as everywhere: a probability of 1/2 is class 0. */
function mostProbable(probabilities: ArrayLike<number>): number {
  let best = 0;
  for (let label = 1; label < probabilities.length; label++) {
    if ((probabilities[label] as number) > (probabilities[best] as number)) best = label;
  }
  return best;
}

function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}
