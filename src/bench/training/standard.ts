/**
 * What the answers of all contenders are held against before any is timed: the float64 reference. The gradient is
 * compared on as many rows as the reference can do in a few seconds; the losses of the first steps, which hang on
 * every gradient of the whole batch, are compared with the reference where it can do those too, else among themselves.
 */
import { type DropoutMasks, referenceGradients } from '../../reference/reference.ts';
import { dropoutMask } from '../../training/dropout.ts';
import type { Batch } from '../../training/engine.ts';
import type { Gradients } from './contender.ts';
import { firstRows, type Problem, usefulFlops } from './problem.ts';

/** What the reference does in a second or two, of what `usefulFlops` counts. */
const affordable = 4e8;

export interface Standard {
  /** Rows on which gradients are compared. */
  readonly rows: number;
  readonly gradients: ReadonlyMap<string, Float64Array>;
  /** On these rows. */
  readonly loss: number;
}

export function standardOf(problem: Problem): Standard {
  const [batch] = problem.batches as [Batch];
  const most = Math.floor((affordable / usefulFlops(problem)) * batch.rows);
  const rows = Math.min(batch.rows, Math.max(2, most));
  const address = { seed: 0, epoch: 0, step: 0 };
  const masks: DropoutMasks = (stream, purpose, size, rate) => dropoutMask(address, purpose, stream, rate, size);
  const { spec, weights } = problem;
  const { loss, gradients } = referenceGradients({ spec, weights }, firstRows(batch, rows), masks);
  return { rows, loss, gradients };
}

/**
 * The largest error of the loss or of a gradient; that of a gradient as a share of the largest value of its tensor.
 * Infinite where something is missing or is no number.
 */
export function errorOf({ loss, gradients }: Gradients, standard: Standard): number {
  let worst = Math.abs(loss - standard.loss);
  for (const [name, expected] of standard.gradients) {
    const got = gradients.get(name);
    if (got?.length !== expected.length) return Number.POSITIVE_INFINITY;
    let [largest, error] = [0, 0];
    for (let i = 0; i < expected.length; i++) {
      largest = Math.max(largest, Math.abs(expected[i] as number));
      error = Math.max(error, Math.abs((got[i] as number) - (expected[i] as number))); // NaN stays NaN
    }
    worst = Math.max(worst, largest > 0 ? error / largest : error);
  }
  return Number.isNaN(worst) ? Number.POSITIVE_INFINITY : worst;
}
