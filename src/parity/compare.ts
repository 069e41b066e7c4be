/** Two runners' outputs for the same rows: numeric error and label flips, counted apart. */
import { fail } from '../core/errors.ts';
import type { Outputs } from './runner.ts';
import type { Sensitivity } from './sensitivity.ts';
import type { Tolerance } from './tolerances.ts';

/** The largest error, and where it was. */
export interface Largest {
  /** Its size. */
  readonly value: number;
  /** Where it was seen; 0 if nothing was compared. */
  readonly row: number;
}

/** Rows are numbered from 0. */
export interface Comparison {
  /** Rows that were compared. */
  readonly rows: number;
  /** Largest |Δ| of a probability, over rows that are finite on both sides. */
  readonly probabilityError: Largest;
  /** Largest |Δ| of a logit, over the same rows. */
  readonly logitError: Largest;
  /** Rows with an error over tolerance, and over the row's own sensitivity. */
  readonly overTolerance: readonly number[];
  /** Rows with an error over tolerance that is no larger than the row's own sensitivity. */
  readonly sensitive: readonly number[];
  /** Rows with NaN or an infinity on either side. They always fail. */
  readonly notFinite: readonly number[];
  /** Rows whose most probable class differs, and that by more than a tie. */
  readonly flips: readonly number[];
  /** Rows whose most probable class differs while the norm's margin is below tolerance, or the row's sensitivity. */
  readonly ties: readonly number[];
  /** Smallest margin of the norm. */
  readonly smallestMargin: number;
}

/**
 * Compares two runners' outputs for the same rows.
 *
 * @param norm the side that margins and the relative part of the logit's tolerance are taken from
 * @param outputs columns: 1 for a binary head, else the number of classes
 * @param sensitivities of rows for which it was measured
 */
export function compareOutputs(
  norm: Outputs,
  other: Outputs,
  outputs: number,
  tolerance: Tolerance,
  sensitivities: ReadonlyMap<number, Sensitivity> = new Map(),
): Comparison {
  const rows = rowsOf(norm, outputs);
  if (rows !== rowsOf(other, outputs)) {
    fail('RUNTIME_FAILED', `one runner gave ${rows} rows, the other ${rowsOf(other, outputs)}`, 'Please report this.');
  }
  const overTolerance: number[] = [];
  const sensitive: number[] = [];
  const notFinite: number[] = [];
  const flips: number[] = [];
  const ties: number[] = [];
  let probabilityError: Largest = { value: 0, row: 0 };
  let logitError: Largest = { value: 0, row: 0 };
  let smallestMargin = 0.5;

  for (let row = 0; row < rows; row++) {
    const [logits, otherLogits, probabilities, otherProbabilities] = [
      norm.logits,
      other.logits,
      norm.probabilities,
      other.probabilities,
    ].map((values) => values.subarray(row * outputs, (row + 1) * outputs)) as [Row, Row, Row, Row];
    if (![logits, otherLogits, probabilities, otherProbabilities].every((values) => values.every(Number.isFinite))) {
      notFinite.push(row);
      continue;
    }
    const sensitivity = sensitivities.get(row) ?? { probability: 0, logit: 0 };
    let over = false;
    let explained = true;
    for (let column = 0; column < outputs; column++) {
      const logit = logits[column] as number;
      const ofLogit = Math.abs(logit - (otherLogits[column] as number));
      const ofProbability = Math.abs((probabilities[column] as number) - (otherProbabilities[column] as number));
      if (ofLogit > logitError.value) logitError = { value: ofLogit, row };
      if (ofProbability > probabilityError.value) probabilityError = { value: ofProbability, row };
      over ||= ofProbability > tolerance.probability || ofLogit > tolerance.logit * Math.max(1, Math.abs(logit));
      explained &&= ofProbability <= sensitivity.probability && ofLogit <= sensitivity.logit;
    }
    if (over) (explained ? sensitive : overTolerance).push(row);

    const margin = marginOf(probabilities);
    smallestMargin = Math.min(smallestMargin, margin);
    if (classOf(probabilities) !== classOf(otherProbabilities)) {
      (margin < Math.max(tolerance.probability, sensitivity.probability) ? ties : flips).push(row);
    }
  }
  return { rows, probabilityError, logitError, overTolerance, sensitive, notFinite, flips, ties, smallestMargin };
}

type Row = Float32Array | Float64Array;

function rowsOf({ logits, probabilities }: Outputs, outputs: number): number {
  if (logits.length !== probabilities.length || logits.length % outputs !== 0) {
    const sizes = `${logits.length} logits and ${probabilities.length} probabilities`;
    fail('RUNTIME_FAILED', `a runner gave ${sizes} for a head of ${outputs}`, 'Please report this.');
  }
  return logits.length / outputs;
}

/** The most probable class, the first of equals; with one output, class 1 above one half. */
function classOf(probabilities: Row): number {
  if (probabilities.length === 1) return (probabilities[0] as number) > 0.5 ? 1 : 0;
  return probabilities.indexOf(Math.max(...probabilities));
}

/**
 * By how much every probability would have to be off to change the class: |p − 1/2| with one output, else half the
 * distance between the two most probable classes, which for two classes is the same.
 */
function marginOf(probabilities: Row): number {
  if (probabilities.length === 1) return Math.abs((probabilities[0] as number) - 0.5);
  const [first, second] = Array.from(probabilities).sort((a, b) => b - a) as [number, number];
  return (first - second) / 2;
}
