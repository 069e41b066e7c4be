/**
 * `--engine fastest`: takes a few real steps, on the texts and weights of the run, with every engine that can train
 * the model, and keeps the one that took the shortest. The engines are thrown away, so the run begins as if nothing
 * had been. What is found depends on the machine and the moment: the run records it and goes on with it.
 */
import type { Weights } from '../../../models/weights.ts';
import { RecurrentError } from '../../core/errors.ts';
import { type Batch, engineNames } from '../engine.ts';
import {
  type Candidate,
  candidatesOf,
  describeCandidate,
  type EngineRequest,
  formatTime,
  refuseAll,
  type SelectedEngine,
  type TimedEngine,
} from './select.ts';

export interface Trial {
  readonly weights: Weights;
  readonly seed: number;
  readonly learningRate: number;
  /** Real batches, taken in turn; each is only valid until the next is asked for. */
  readonly batches: () => Iterable<Batch>;
  /** Candidates that must not be tried, such as those that do not fit into memory. */
  readonly refusal: (candidate: Candidate) => string | undefined;
}

/** Steps until compilers and caches have settled, and steps that count. */
const warmUp = 3;
const counted = 15;
/** An engine gets this time, and at least one step of each kind. */
const longest = 1500; // ms

/** @throws OPTION_UNSUPPORTED when no engine can train it */
export async function selectFastest(request: EngineRequest, trial: Trial): Promise<SelectedEngine> {
  const found = await candidatesOf(engineNames, request);
  const timed: { readonly candidate: Candidate; readonly ms: number; readonly remark?: string | undefined }[] = [];
  const refused = [...found.refused];
  for (const candidate of found.candidates.filter(isTried)) {
    const outcome = trial.refusal(candidate) ?? (await timeSteps(candidate, request, trial).catch(reasonOf));
    if (typeof outcome !== 'string') timed.push({ candidate, ...outcome });
    else refused.push({ engine: describeCandidate(candidate), reason: outcome });
  }
  const [best, ...others] = timed.toSorted((a, b) => a.ms - b.ms);
  if (!best) return refuseAll(refused);
  const next = others.find(({ candidate }) => candidate.provider !== best.candidate.provider);
  const why = [
    `${formatTime(best.ms)} a step measured`,
    ...(next ? [`${describeCandidate(next.candidate)}: ${formatTime(next.ms)}`] : []),
  ].join('; ');
  return {
    ...best.candidate,
    note: `engine ${describeCandidate(best.candidate)} (${why})`,
    trials: [
      ...[best, ...others].map(({ candidate, ...found }) => ({ engine: describeCandidate(candidate), ...found })),
      ...refused,
    ],
  };
}

/** What an engine finds out only when it sees the batch, such as a memory that it cannot address, or a full GPU. */
function reasonOf(error: unknown): string {
  const expected = ['OPTION_UNSUPPORTED', 'ENGINE_FAILED'];
  if (error instanceof RecurrentError && expected.includes(error.code)) return error.message;
  throw error;
}

/** Of the numbers of threads that nobody asked for, the powers of two and the largest. */
function isTried({ load }: Candidate, index: number, all: readonly Candidate[]): boolean {
  const next = all[index + 1];
  const isLargest = next === undefined || next.load.threads <= load.threads;
  return isLargest || Number.isInteger(Math.log2(load.threads));
}

/** Median milliseconds of a step, and what the engine remarks. */
async function timeSteps(
  { provider, load }: Candidate,
  { load: { spec, optimiser, stepOptions } }: EngineRequest,
  { weights, seed, learningRate, batches }: Trial,
): Promise<Pick<TimedEngine, 'ms' | 'remark'>> {
  const engine = await provider.prepare({ spec, weights, optimiser, threads: load.threads, stepOptions });
  const times: number[] = [];
  try {
    const began = performance.now();
    let step = 0;
    for (const batch of cycle(batches)) {
      const from = performance.now();
      await engine.step(batch, { seed, epoch: 0, step }, learningRate);
      step++;
      const isLate = performance.now() - began > longest;
      if (step > warmUp || (isLate && step > 1)) times.push(performance.now() - from);
      if (times.length === counted || (isLate && times.length > 0)) break;
    }
  } finally {
    await engine.dispose();
  }
  const ms = times.toSorted((a, b) => a - b)[times.length >> 1] ?? Number.POSITIVE_INFINITY;
  return engine.remark === undefined ? { ms } : { ms, remark: engine.remark };
}

function* cycle<T>(items: () => Iterable<T>): Generator<T> {
  for (;;) yield* items();
}
