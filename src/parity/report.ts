/** What a parity run found: plain numbers, ready for JSON. */
import { fail } from '../core/errors.ts';
import type { RunnerName } from './runner.ts';
import type { Sensitivity } from './sensitivity.ts';
import { type Tolerance, type ToleranceName, tolerances } from './tolerances.ts';

/** A runner that ran, and how far it is from the reference. */
export interface RanRunner {
  /** Which one. */
  readonly name: RunnerName;
  /** What ran, in words. */
  readonly description: string;
  /** Rows that it computed. */
  readonly examples: number;
  /** Largest |Δ| of a probability against the reference. */
  readonly maxAbsError: number;
  /** Largest |Δ| of a logit against the reference. */
  readonly maxLogitError: number;
  /** Rows whose label differs from that of the reference. */
  readonly flips: number;
  /** Rows whose label differs where the model prefers no class. */
  readonly ties: number;
  /** How long it took. */
  readonly seconds: number;
}

/** A runner that cannot run here. */
export interface SkippedRunner {
  /** Which one. */
  readonly name: RunnerName;
  /** Why it did not run, with the remedy. */
  readonly skipped: string;
}

/** Two runners, compared on the rows that both computed. Rows are numbered from 0 as they were given. */
export interface PairReport {
  /** Errors and margins are taken from this side: the reference, if it is one of the two. */
  readonly norm: RunnerName;
  /** The other one. */
  readonly other: RunnerName;
  /** Rows that both computed. */
  readonly examples: number;
  /** Largest |Δ| of a probability. */
  readonly maxAbsError: number;
  /** Where that was. */
  readonly maxAbsErrorRow: number;
  /** Largest |Δ| of a logit. */
  readonly maxLogitError: number;
  /** Where that was. */
  readonly maxLogitErrorRow: number;
  /** Rows whose label differs. */
  readonly flips: number;
  /** Rows whose label differs where the model prefers no class. They do not fail. */
  readonly ties: number;
  /** Rows with an error over tolerance, and over the row's own sensitivity. */
  readonly overTolerance: number;
  /** Rows with an error over tolerance that is no larger than the row's own sensitivity. They do not fail. */
  readonly sensitive: number;
  /** Rows with NaN or an infinity. */
  readonly notFinite: number;
  /** The first of the rows that fail: flips, errors over tolerance, NaN and infinities. */
  readonly failingRows: readonly number[];
  /** The first of the rows that tie. */
  readonly tiedRows: readonly number[];
  /** Which row of the table held. */
  readonly tolerance: ToleranceName;
  /** No flip, no error over tolerance, no NaN. */
  readonly passed: boolean;
}

/** A row whose answer the float32 weights leave open by more than the tolerance. */
export interface SensitiveRow extends Sensitivity {
  /** From 0, as the rows were given. */
  readonly row: number;
}

/** What comparing all runners found. */
export interface ParityReport {
  /** No flip, no error over tolerance and no NaN between any two runners. */
  readonly passed: boolean;
  /** Of the ONNX file, which the report is about; null where no runner ran it. */
  readonly onnxSha256: string | null;
  /** Rows that at least two runners computed. */
  readonly examples: number;
  /** Rows on which any two runners give different labels. */
  readonly flips: number;
  /** Rows on which labels differ while the margin is below tolerance or sensitivity. They do not fail. */
  readonly ties: number;
  /** Rows that moved over tolerance between any two runners because they are sensitive. They do not fail. */
  readonly sensitive: readonly SensitiveRow[];
  /** Largest |Δ| of a probability between the reference and any other runner. */
  readonly maxAbsError: number;
  /** The same for a logit. */
  readonly maxLogitError: number;
  /**
   * By how much a probability would have to be off to change a label, at the least: |p − 1/2|, or half the distance
   * between the two most probable classes, of the norm of each pair.
   */
  readonly smallestMargin: number;
  /** Those that ran, and those that cannot. */
  readonly runners: readonly (RanRunner | SkippedRunner)[];
  /** Each runner against each. */
  readonly pairs: readonly PairReport[];
  /** The rows of the tolerance table that were used. */
  readonly tolerances: Readonly<Partial<Record<ToleranceName, Tolerance>>>;
}

/** Passes a report in which all runners agree. @throws PARITY_FAILED naming the runners, what differs and where */
export function assertParity({ pairs }: ParityReport): void {
  const failed = pairs.filter(({ passed }) => !passed);
  if (failed.length === 0) return;
  fail(
    'PARITY_FAILED',
    failed.map(describeFailure).join('; '),
    'Compare the pairs of the report: a runner that is in all failing pairs is the one that is wrong. See docs/parity.md.',
  );
}

function describeFailure(pair: PairReport): string {
  const { probability, logit } = tolerances[pair.tolerance];
  const findings = [
    pair.notFinite > 0 && `${pair.notFinite} rows with NaN or an infinity`,
    pair.flips > 0 && `${pair.flips} label flips`,
    pair.overTolerance > 0 &&
      `${pair.overTolerance} rows over tolerance (largest error ${figure(pair.maxAbsError)} on a probability, ` +
        `${figure(pair.maxLogitError)} on a logit; allowed ${figure(probability)} and ${figure(logit)} · max(1, |logit|))`,
  ].filter((finding) => finding !== false);
  return `${pair.norm} and ${pair.other}: ${findings.join(', ')}; rows ${pair.failingRows.join(', ')}`;
}

function figure(value: number): string {
  return value.toExponential(1);
}
