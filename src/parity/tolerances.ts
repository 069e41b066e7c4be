/** How far two runners may be apart, and why. The only place where this is said. */
import type { RunnerName } from './runner.ts';

export interface Tolerance {
  /** Largest |Δ| of a probability. */
  readonly probability: number;
  /** Largest |Δ| of a logit, as a share of max(1, |logit|). */
  readonly logit: number;
  readonly reason: string;
}

export const tolerances = {
  float32: {
    probability: 5e-6,
    logit: 2e-5,
    reason:
      'A float32 operation rounds by up to 6e-8 of its result. Gates squash what they take and forget what they held, ' +
      'so the roundings of some hundred steps do not pile up: trained models over 200 steps stay within 2e-6 of float64 ' +
      'on the probability, and 5e-6 leaves room for other orders of summation. The slope of the sigmoid is at most 1/4 ' +
      'and |x| times its slope at x at most 0.224, so a logit that is off by 2e-5 · max(1, |logit|) moves the probability ' +
      'by no more than 5e-6; where the sigmoid is flat, only the logit still shows an error.',
  },
} as const satisfies Record<string, Tolerance>;

export type ToleranceName = keyof typeof tolerances;

/** The row of each runner against the float64 reference, which has none of its own. */
const rowOf = {
  reference: undefined,
  js: 'float32',
  wasm: 'float32',
  tensorflow: 'float32',
  onnxruntime: 'float32',
} as const satisfies Record<RunnerName, ToleranceName | undefined>;

/** Two runners are held to the wider of their rows. */
export function toleranceBetween(one: RunnerName, other: RunnerName): ToleranceName {
  const rows = [rowOf[one], rowOf[other]].filter((row) => row !== undefined);
  return rows.reduce(
    (widest, row) => (tolerances[row].probability > tolerances[widest].probability ? row : widest),
    'float32',
  );
}
