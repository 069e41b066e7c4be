/** How far two runners may be apart, and why. The only place where this is said. */
import type { RunnerName } from './runner.ts';

export interface Tolerance {
  /** Largest |Δ| of a probability. */
  readonly probability: number;
  /** Largest |Δ| of a logit, as a share of max(1, |logit|). */
  readonly logit: number;
  readonly reason: string;
}

export type ToleranceName = 'float32' | 'approximatedActivations';
export type ToleranceTable = Readonly<Record<ToleranceName, Tolerance>>;

/**
 * What one time step may add to a cell state when sigmoid and tanh are approximated: the largest errors of
 * onnxruntime's, 1.4e-7 and 2.7e-7 (a test measures them), on i·g + f·c with |c| ≤ 1.
 */
export const errorOfStep = 6e-7;

/**
 * The table for texts of `steps` time steps.
 *
 * A logit that is off by δ · max(1, |logit|) moves the probability by no more than δ/4: the slope of the sigmoid is at
 * most 1/4, and |x| times its slope at x at most 0.224. So the two figures of a row belong together; where the sigmoid
 * is flat, only the logit still shows an error.
 */
export function toleranceTable(steps: number): ToleranceTable {
  const approximated = Math.max(2e-5, errorOfStep * steps);
  return {
    float32: {
      probability: 5e-6,
      logit: 2e-5,
      reason:
        'A float32 operation rounds by up to 6e-8 of its result. Gates squash what they take and forget what they held, ' +
        'so the roundings of some hundred steps hardly pile up: trained models over 200 steps stay within 1e-6 of float64 ' +
        'on the probability, and 5e-6 leaves room for other orders of summation.',
    },
    approximatedActivations: {
      probability: approximated / 4,
      logit: approximated,
      reason:
        'The kernels compute sigmoid and tanh by rational approximations, which are off by up to 1.4e-7 and 2.7e-7, and ' +
        'always to the same side at the same place. A cell that forgets nothing adds up one such error a step, ' +
        `${errorOfStep} at most, so the bound grows with the steps: seen were 1.5e-5 on a probability and 7e-5 on a logit, ` +
        'in one of 6,046 texts of 200 steps; most models stay below 5e-6.',
    },
  };
}

/** The row of each runner against the float64 reference, which has none of its own. */
const rowOf = {
  reference: undefined,
  js: 'float32',
  wasm: 'approximatedActivations',
  tensorflow: 'float32',
  onnxruntime: 'approximatedActivations',
} as const satisfies Record<RunnerName, ToleranceName | undefined>;

/** Two runners are held to the wider of their rows. */
export function toleranceBetween(one: RunnerName, other: RunnerName): ToleranceName {
  return [rowOf[one], rowOf[other]].includes('approximatedActivations') ? 'approximatedActivations' : 'float32';
}
