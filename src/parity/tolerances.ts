/** How far two runners may be apart, and why. The only place where this is said. */
import type { RunnerName } from './runner.ts';

/** How far two runners may be apart. */
export interface Tolerance {
  /** Largest |Δ| of a probability. */
  readonly probability: number;
  /** Largest |Δ| of a logit, as a share of max(1, |logit|). */
  readonly logit: number;
  /** Why so far. */
  readonly reason: string;
}

/**
 * A row that is over tolerance is sensitive, not wrong, as long as the error is no larger than what the row's own
 * answer moves when the weights do: see `sensitivity.ts`.
 *
 * A logit that is off by δ · max(1, |logit|) moves the probability by no more than δ/4: the slope of the sigmoid is at
 * most 1/4, and |x| times its slope at x at most 0.224. So the two figures belong together; where the sigmoid is flat,
 * only the logit still shows an error.
 */
export const tolerances = {
  float32: {
    probability: 5e-6,
    logit: 2e-5,
    reason:
      'A float32 operation rounds by up to 6e-8 of its result, and a sigmoid or tanh by rational approximation, as ' +
      'onnxruntime and the wasm kernels have it, is off by up to 2.7e-7. Gates squash what they take and forget what ' +
      'they held, so this hardly piles up: of 6,046 texts of 200 steps, 99.9 % stay within 1e-6 of float64 on the ' +
      'probability, and 5e-6 leaves room for other orders of summation.',
  },
} as const satisfies Record<string, Tolerance>;

/** A row of the table. */
export type ToleranceName = keyof typeof tolerances;

/** The row for a runner against the float64 reference. */
const rowOf = {
  reference: undefined, // the norm has none
  js: 'float32',
  wasm: 'float32',
  tensorflow: 'float32',
  onnxruntime: 'float32',
  'onnxruntime-web': 'float32',
} as const satisfies Record<RunnerName, ToleranceName | undefined>;

/** Two runners are held to the wider of their rows. */
export function toleranceBetween(one: RunnerName, other: RunnerName): ToleranceName {
  const rows = [rowOf[one], rowOf[other]].filter((row) => row !== undefined);
  return rows.reduce(
    (widest, row) => (tolerances[row].probability > tolerances[widest].probability ? row : widest),
    'float32',
  );
}
