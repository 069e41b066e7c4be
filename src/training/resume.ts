/** What a run takes from its last checkpoint when it goes on, and what must not have changed since. */
import { isDeepStrictEqual } from 'node:util';
import type { Checkpoint } from '../../models/checkpoint/checkpoint.ts';
import type { Weights } from '../../models/weights.ts';
import { fail } from '../core/errors.ts';
import type { FitState } from './fit.ts';
import { momentNames, type OptimiserOptions, type OptimiserState } from './optimisers.ts';

/** Where the fit loop begins. @param weights that a new run begins with */
export function beginning(weights: Weights, previous: Checkpoint | undefined): FitState {
  if (!previous?.run) return { history: [], bestEpoch: 0, bestWeights: weights };
  const { bestEpoch, history } = previous.run;
  return { history, bestEpoch, bestWeights: previous.model.weights };
}

/** @param what a noun @throws RESUME_MISMATCH */
export function expectSame(what: string, before: unknown, now: unknown): void {
  if (isDeepStrictEqual(before, now)) return;
  fail(
    'RESUME_MISMATCH',
    `the ${what} differs from that of the run`,
    `Resume with the same ${what}, or start a new run.`,
  );
}

/** @throws CHECKPOINT_INVALID when the optimiser would not find what it remembered */
export function checkMoments(moments: OptimiserState['moments'], optimiser: OptimiserOptions): void {
  const missing = momentNames(optimiser).find((kind) => !moments.has(kind));
  if (missing === undefined) return;
  fail(
    'CHECKPOINT_INVALID',
    `the run's checkpoint has no moments ${missing}, which ${optimiser.type} goes on from`,
    'Use another copy of the file, or start a new run.',
  );
}
