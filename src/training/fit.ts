/**
 * The fit loop: epochs, validation and early stopping over one engine. It knows the `Engine` port and nothing of
 * files or text. Everything random is addressed by seed, epoch and step, so a loop that begins at epoch k from
 * the state after epoch k − 1 repeats the rest bit for bit.
 */
import type { EpochRecord } from '../../models/checkpoint/state.ts';
import type { Side } from '../../models/text/preprocessing.ts';
import type { Weights } from '../../models/weights.ts';
import { fail } from '../core/errors.ts';
import type { Progress } from '../core/progress.ts';
import { createRandom, permutation } from '../core/random.ts';
import { type BatchOptions, batches, unpaddedSteps } from './batches.ts';
import { createBreather } from './breather.ts';
import { bucketOrder } from './bucket-order.ts';
import type { EncodedSet } from './encoded-set.ts';
import type { Engine } from './engine.ts';
import { evaluateSet, withoutPadding } from './evaluate-set.ts';
import { createScore, type Metrics } from './metrics.ts';

/** What early stopping remembers from epoch to epoch. */
export interface FitState {
  /** Epochs done. */
  readonly epoch: number;
  /** 0 before the first epoch. */
  readonly bestEpoch: number;
  /** Validation loss at `bestEpoch`; the training loss where there is no validation part. */
  readonly bestLoss: number | null;
  readonly bestWeights: Weights;
  /** Epochs since the best one. */
  readonly wait: number;
  readonly history: readonly EpochRecord[];
}

export interface FitOptions {
  readonly engine: Engine;
  readonly training: EncodedSet;
  /** Undefined: early stopping watches the training loss. */
  readonly validation: EncodedSet | undefined;
  readonly epochs: number;
  readonly batchSize: number;
  readonly learningRate: number;
  /** Epochs without improvement after which training stops. */
  readonly patience: number;
  readonly seed: number;
  /** Where the model masks padding, its side: evaluation then leaves it out; with `bucket`, so does training, on batches of rows of like length. */
  readonly masked: { readonly padding: Side; readonly bucket: boolean } | undefined;
  readonly start: FitState;
  /** Awaited after each epoch: the place to save. */
  readonly onEpoch: (state: FitState, seconds: number) => Promise<void>;
  readonly progress: Progress;
  readonly signal: AbortSignal | undefined;
}

export interface FitResult {
  readonly state: FitState;
  readonly stoppedEarly: boolean;
  /** The signal ended it; the state is that after the last whole epoch. */
  readonly interrupted: boolean;
}

/** @throws LOSS_NOT_FINITE */
export async function fitModel(options: FitOptions): Promise<FitResult> {
  const { engine, validation, patience, learningRate, progress, signal } = options;
  const epochBatches = batchesOfEpochs(options);
  const validate = validation && validator(options, validation);
  let state = options.start;
  while (state.epoch < options.epochs && state.wait < patience) {
    const began = performance.now();
    const trained = await trainEpoch(options, state.epoch, epochBatches(state.epoch));
    const validated = trained && (await validate?.(state.epoch));
    progress.stop();
    if (!trained || signal?.aborted) return { state, stoppedEarly: false, interrupted: true };

    const record: EpochRecord = {
      epoch: state.epoch + 1,
      learningRate,
      ...trained,
      validationLoss: validated?.loss ?? null,
      validationAccuracy: validated?.accuracy ?? null,
      validationPrecision: validated?.precision ?? null,
      validationRecall: validated?.recall ?? null,
      validationF1: validated?.f1 ?? null,
      validationAuc: validated?.auc ?? null,
    };
    const monitored = record.validationLoss ?? record.loss;
    const improved = state.bestLoss === null || monitored < state.bestLoss;
    state = {
      epoch: record.epoch,
      history: [...state.history, record],
      ...(improved
        ? { bestEpoch: record.epoch, bestLoss: monitored, bestWeights: (await engine.state()).weights, wait: 0 }
        : {
            bestEpoch: state.bestEpoch,
            bestLoss: state.bestLoss,
            bestWeights: state.bestWeights,
            wait: state.wait + 1,
          }),
    };
    await options.onEpoch(state, (performance.now() - began) / 1000);
  }
  return { state, stoppedEarly: state.wait >= patience, interrupted: false };
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
async function trainEpoch(options: FitOptions, epoch: number, taken: BatchOptions): Promise<Metrics | undefined> {
  const { engine, training, batchSize, learningRate, seed, progress, signal } = options;
  const breathe = createBreather();
  progress.start(`Epoch ${epoch + 1}/${options.epochs}`, Math.ceil(training.rows / batchSize));
  const score = createScore(training.rows);
  let step = 0;
  for (const batch of batches(training, batchSize, taken)) {
    const result = await engine.step(batch, { seed, epoch, step }, learningRate);
    if (!Number.isFinite(result.loss)) {
      progress.stop();
      fail(
        'LOSS_NOT_FINITE',
        `the loss became ${result.loss} at step ${step + 1} of epoch ${epoch + 1}`,
        'The files hold the best model before that. Try a lower learning rate.',
      );
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

function validator({ engine, batchSize, signal, masked }: FitOptions, validation: EncodedSet) {
  const taken = masked && withoutPadding(validation, masked.padding);
  return async (epoch: number): Promise<Metrics> => {
    const evaluated = await evaluateSet(engine, validation, { batchSize, signal, ...taken });
    if (!Number.isFinite(evaluated.loss)) {
      fail(
        'LOSS_NOT_FINITE',
        `the validation loss became ${evaluated.loss} after epoch ${epoch + 1}`,
        'The files hold the best model before that. Try a lower learning rate.',
      );
    }
    return evaluated;
  };
}
