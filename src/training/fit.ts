/**
 * The fit loop: epochs, validation and early stopping over one engine. It knows the `Engine` port and nothing of
 * files or text. Everything random is addressed by seed, epoch and step, and everything that is decided follows from
 * the history, so a loop that begins at epoch k from the state after epoch k − 1 repeats the rest bit for bit.
 */
import type { EpochRecord } from '../../models/checkpoint/state.ts';
import type { Side } from '../../models/text/preprocessing.ts';
import type { Tensor, Weights } from '../../models/weights.ts';
import { fail } from '../core/errors.ts';
import type { Progress } from '../core/progress.ts';
import { createRandom, permutation } from '../core/random.ts';
import { type BatchOptions, batches, unpaddedSteps } from './batches.ts';
import { createBreather } from './breather.ts';
import { bucketOrder } from './bucket-order.ts';
import type { EncodedSet } from './encoded-set.ts';
import type { Engine, EngineState } from './engine.ts';
import { evaluateSet, withoutPadding } from './evaluate-set.ts';
import { constantRate, type Plateau, plateauRate, type Schedule, scheduledRate } from './learning-rate.ts';
import { createScore, type MetricName, type Metrics } from './metrics.ts';
import { bestEpoch, epochsWithoutGain } from './monitor.ts';
import { penaltyOf, type StepOptions } from './step-options.ts';

/** What goes on from epoch to epoch, beside the engine's state. */
export interface FitState {
  /** Of the epochs done. */
  readonly history: readonly EpochRecord[];
  /** The epoch that is kept: the best one, or the last; 0 before the first epoch. */
  readonly bestEpoch: number;
  readonly bestWeights: Weights;
}

/** What is decided by the figures of an epoch. */
interface Decisions {
  /** Default: the loss. */
  readonly monitor?: MetricName;
  /** Default: 0. */
  readonly minDelta?: number;
  /** Default: the best. */
  readonly keep?: 'best' | 'last';
  /** Default: constant. */
  readonly schedule?: Schedule;
  readonly reduceOnPlateau?: Plateau | undefined;
}

export interface FitOptions extends Decisions {
  readonly engine: Engine;
  /** With which the engine was prepared: the validation loss has the same penalty. Default: none. */
  readonly stepOptions?: StepOptions;
  readonly training: EncodedSet;
  /** Undefined: early stopping watches the training part. */
  readonly validation: EncodedSet | undefined;
  readonly epochs: number;
  readonly batchSize: number;
  readonly learningRate: number;
  /** Epochs without a gain after which training stops. */
  readonly patience: number;
  readonly seed: number;
  /** Where the model masks padding, its side: evaluation then leaves it out; with `bucket`, so does training, on batches of rows of like length. */
  readonly masked: { readonly padding: Side; readonly bucket: boolean } | undefined;
  readonly start: FitState;
  /** Awaited after each epoch: the place to save. */
  readonly onEpoch: (state: FitState, end: EpochEnd) => Promise<void>;
  readonly progress: Progress;
  readonly signal: AbortSignal | undefined;
}

/** What an epoch leaves behind. */
export interface EpochEnd {
  readonly engine: EngineState;
  readonly seconds: number;
}

export interface FitResult {
  readonly state: FitState;
  readonly stoppedEarly: boolean;
  /** The signal ended it; the state is that after the last whole epoch. */
  readonly interrupted: boolean;
}

/** @throws LOSS_NOT_FINITE */
export async function fitModel(options: FitOptions): Promise<FitResult> {
  const { engine, validation, patience, progress, signal, monitor = 'loss', minDelta = 0 } = options;
  const epochBatches = batchesOfEpochs(options);
  const validate = validation && validator(options, validation);
  const isWaitedFor = ({ history }: FitState) => epochsWithoutGain(history, { monitor, minDelta }) < patience;
  let state = options.start;
  while (state.history.length < options.epochs && isWaitedFor(state)) {
    const began = performance.now();
    const epoch = state.history.length;
    const rateAt = ratesOfEpoch(options, state.history);
    const trained = await trainEpoch(options, epoch, epochBatches(epoch), rateAt);
    const validated = trained && (await validate?.(epoch));
    progress.stop();
    if (!trained || signal?.aborted) return { state, stoppedEarly: false, interrupted: true };

    const record: EpochRecord = {
      epoch: epoch + 1,
      learningRate: rateAt(stepsOfEpoch(options) - 1),
      ...trained,
      validationLoss: validated?.loss ?? null,
      validationAccuracy: validated?.accuracy ?? null,
      validationPrecision: validated?.precision ?? null,
      validationRecall: validated?.recall ?? null,
      validationF1: validated?.f1 ?? null,
      validationAuc: validated?.auc ?? null,
    };
    const history = [...state.history, record];
    const kept = options.keep === 'last' ? record.epoch : bestEpoch(history, monitor);
    const end = await engine.state();
    checkFinite(end.weights, record.epoch);
    state = kept === record.epoch ? { history, bestEpoch: kept, bestWeights: end.weights } : { ...state, history };
    await options.onEpoch(state, { engine: end, seconds: (performance.now() - began) / 1000 });
  }
  return { state, stoppedEarly: !isWaitedFor(state), interrupted: false };
}

function stepsOfEpoch({ training, batchSize }: FitOptions): number {
  return Math.ceil(training.rows / batchSize);
}

/** The learning rate of each step, from 0, of the epoch after those of `history`. */
function ratesOfEpoch(options: FitOptions, history: readonly EpochRecord[]): (step: number) => number {
  const { learningRate, schedule = constantRate, reduceOnPlateau, monitor = 'loss' } = options;
  const steps = stepsOfEpoch(options);
  const base = reduceOnPlateau ? plateauRate(reduceOnPlateau, learningRate, history, monitor) : learningRate;
  return (step) => scheduledRate(schedule, base, history.length * steps + step, steps);
}

/** How the batches of each epoch are taken. */
function batchesOfEpochs(options: FitOptions): (epoch: number) => BatchOptions {
  const { training, batchSize, seed, masked } = options;
  const shuffled = (epoch: number) => permutation(training.rows, createRandom({ seed, purpose: 'shuffle', epoch }));
  if (!masked?.bucket) return (epoch) => ({ order: shuffled(epoch) });
  const { padding } = masked;
  const steps = unpaddedSteps(training, padding);
  return (epoch) => {
    const random = createRandom({ seed, purpose: 'shuffle', epoch, stream: 1 });
    return { order: bucketOrder(shuffled(epoch), steps, batchSize, random), cut: { padding, steps } };
  };
}

/** Figures over the rows of one epoch, while the weights move; undefined when interrupted. */
async function trainEpoch(
  options: FitOptions,
  epoch: number,
  taken: BatchOptions,
  rateAt: (step: number) => number,
): Promise<Metrics | undefined> {
  const { engine, training, batchSize, seed, progress, signal } = options;
  const breathe = createBreather();
  progress.start(`Epoch ${epoch + 1}/${options.epochs}`, stepsOfEpoch(options));
  const score = createScore(training.rows);
  let step = 0;
  for (const batch of batches(training, batchSize, taken)) {
    const result = await engine.step(batch, { seed, epoch, step }, rateAt(step));
    if (!Number.isFinite(result.loss)) {
      progress.stop();
      diverged(`the loss became ${result.loss} at step ${step + 1} of epoch ${epoch + 1}`);
    }
    score.add(result, batch.targets);
    step++;
    const { loss, accuracy } = score.soFar();
    progress.update(step, `loss ${loss.toFixed(4)} · accuracy ${accuracy.toFixed(4)}`);
    await breathe();
    if (signal?.aborted) return undefined;
  }
  return score.metrics();
}

function validator({ engine, stepOptions, batchSize, signal, masked }: FitOptions, validation: EncodedSet) {
  const taken = masked && withoutPadding(validation, masked.padding);
  return async (epoch: number): Promise<Metrics> => {
    const evaluated = await evaluateSet(engine, validation, { batchSize, signal, ...taken });
    if (!Number.isFinite(evaluated.loss)) {
      diverged(`the validation loss became ${evaluated.loss} after epoch ${epoch + 1}`);
    }
    if (!stepOptions?.l2) return evaluated;
    const { weights } = await engine.state();
    const penalty = penaltyOf(stepOptions, (name) => (weights.get(name) as Tensor).data);
    return { ...evaluated, loss: evaluated.loss + penalty };
  };
}

/** The last update of an epoch can break weights that no loss has told of yet: they must not take the place of good ones. */
function checkFinite(weights: Weights, epoch: number): void {
  for (const [name, { data }] of weights) {
    const broken = data.find((value) => !Number.isFinite(value));
    if (broken !== undefined) diverged(`a weight of ${name} became ${broken} in epoch ${epoch}`);
  }
}

function diverged(what: string): never {
  return fail('LOSS_NOT_FINITE', what, 'The files hold the best model before that. Try a lower learning rate.');
}
