/** What a run keeps to go on from an epoch, what it takes of that when it does, and what must not have changed since. */
import { isDeepStrictEqual } from 'node:util';
import type { Checkpoint } from '../../models/checkpoint/checkpoint.ts';
import type { RunState } from '../../models/checkpoint/state.ts';
import type { Weights } from '../../models/weights.ts';
import { fail } from '../core/errors.ts';
import type { DescribedModel } from './describe-model.ts';
import type { EngineState } from './engine.ts';
import type { FitState } from './fit.ts';
import { momentNames, type OptimiserOptions, type OptimiserState } from './optimisers.ts';
import { type RunOptions, runOptionsSchema } from './options.ts';

/** Where the fit loop begins. @param weights that a new run begins with */
export function beginning(weights: Weights, previous: Checkpoint | undefined): FitState {
  if (!previous?.run) return { history: [], bestEpoch: 0, bestWeights: weights };
  const { bestEpoch, history } = previous.run;
  return { history, bestEpoch, bestWeights: previous.model.weights };
}

/** What the run needs to go on from here. @param options as they are in the end: with the engine that was taken */
export function runStateOf(
  options: RunOptions,
  { history, bestEpoch }: FitState,
  { weights, optimiser }: EngineState,
): RunState {
  return {
    options: asJson(options),
    epoch: history.length,
    optimiserStep: optimiser.step,
    bestEpoch,
    history: [...history],
    weights,
    moments: optimiser.moments,
  };
}

/** In the order of the schema, without the options that were left out: the same options give the same bytes. */
function asJson(options: RunOptions): RunState['options'] {
  const names = Object.keys(runOptionsSchema.shape) as (keyof RunOptions)[];
  return JSON.parse(JSON.stringify(Object.fromEntries(names.map((name) => [name, options[name]]))));
}

/** @throws RESUME_MISMATCH when the model is another; CHECKPOINT_INVALID */
export function checkGoesOn(
  { model, run }: Checkpoint,
  { plan, vocabulary, preprocessing }: DescribedModel,
  { optimiser }: RunOptions,
): void {
  expectSame('spec', model.spec, plan.spec);
  expectSame('vocabulary', model.vocabulary, vocabulary);
  expectSame('preprocessing', model.preprocessing, preprocessing);
  if (run) checkMoments(run.moments, optimiser);
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
function checkMoments(moments: OptimiserState['moments'], optimiser: OptimiserOptions): void {
  const missing = momentNames(optimiser).find((kind) => !moments.has(kind));
  if (missing === undefined) return;
  fail(
    'CHECKPOINT_INVALID',
    `the run's checkpoint has no moments ${missing}, which ${optimiser.type} goes on from`,
    'Use another copy of the file, or start a new run.',
  );
}
