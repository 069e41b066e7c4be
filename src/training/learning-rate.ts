/**
 * The learning rate of every step: a function of the step and of the epochs before it, so that a resumed run takes the
 * rates of one that never stopped. Schedules as in `keras.optimizers.schedules`; the reduction on a plateau as Keras'
 * callback `ReduceLROnPlateau`.
 */
import { z } from 'zod';
import type { EpochRecord } from '../../models/checkpoint/state.ts';
import type { MetricName } from './metrics.ts';
import { isGain, monitoredValue } from './monitor.ts';

/** How the learning rate goes from step to step. Lengths are in epochs, parts of one included. */
export type ScheduleInput = ConstantInput | StepDecayInput | ExponentialDecayInput | DecayInput;

interface WarmUp {
  /** Over these epochs the rate rises evenly from 0; the schedule begins after them. Default: 0. */
  readonly warmup?: number | undefined;
}

interface ConstantInput extends WarmUp {
  /** The learning rate stays. */
  readonly type: 'constant';
}

interface StepDecayInput extends WarmUp {
  /** Multiplied by `factor` after every so many epochs: `ExponentialDecay(staircase=True)`, PyTorch's `StepLR`. */
  readonly type: 'step';
  /** Epochs between two steps. */
  readonly every: number;
  /** What the rate is multiplied by, above 0 and at most 1. */
  readonly factor: number;
}

interface ExponentialDecayInput extends WarmUp {
  /** Multiplied by `factor` in each epoch, evenly over its steps: `ExponentialDecay`. */
  readonly type: 'exponential';
  /** What the rate is multiplied by, above 0 and at most 1. */
  readonly factor: number;
}

interface DecayInput extends WarmUp {
  /** Half a cosine (`CosineDecay`), or a line (`PolynomialDecay` of power 1), down to `end`. */
  readonly type: 'cosine' | 'linear';
  /** Epochs until the end. Default: the epochs that the run may have. */
  readonly over?: number | undefined;
  /** Where the rate ends, as a share of the learning rate. Default: 0. */
  readonly end?: number | undefined;
}

/** When epochs bring no gain, the learning rate is reduced: Keras' callback `ReduceLROnPlateau`. */
export interface PlateauInput {
  /** What the rate is multiplied by, between 0 and 1. Default: 0.1. */
  readonly factor?: number | undefined;
  /** Epochs without a gain after which the rate is reduced. Default: 2. */
  readonly patience?: number | undefined;
  /** Least gain that counts. Default: 1e-4. */
  readonly minDelta?: number | undefined;
  /** Epochs after a reduction that do not count. Default: 0. */
  readonly cooldown?: number | undefined;
  /** The rate never gets lower. Default: 0. */
  readonly minRate?: number | undefined;
}

const epochs = z.number().gt(0).max(1_000_000);
const warmup = z.number().min(0).max(1_000_000).default(0);
const factor = z.number().gt(0).max(1);
const end = z.number().min(0).max(1).default(0);

export const scheduleSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('constant'), warmup }),
  z.strictObject({ type: z.literal('step'), every: epochs, factor, warmup }),
  z.strictObject({ type: z.literal('exponential'), factor, warmup }),
  z.strictObject({ type: z.literal('cosine'), over: epochs.optional(), end, warmup }),
  z.strictObject({ type: z.literal('linear'), over: epochs.optional(), end, warmup }),
]);

export type Schedule = Readonly<z.output<typeof scheduleSchema>>;

export const constantRate: Schedule = { type: 'constant', warmup: 0 };

export const plateauSchema = z.strictObject({
  factor: z.number().gt(0).lt(1).default(0.1),
  patience: z.int().min(1).max(1_000_000).default(2),
  minDelta: z.number().min(0).max(1e6).default(1e-4),
  cooldown: z.int().min(0).max(1_000_000).default(0),
  minRate: z.number().min(0).max(1e6).default(0),
});

export type Plateau = Readonly<z.output<typeof plateauSchema>>;

/** @param step of the run, from 0 @param stepsPerEpoch by which lengths in epochs become steps */
export function scheduledRate(schedule: Schedule, learningRate: number, step: number, stepsPerEpoch: number): number {
  const rising = schedule.warmup * stepsPerEpoch;
  if (step < rising) return (learningRate * step) / rising;
  return learningRate * decay(schedule, step - rising, stepsPerEpoch);
}

/** @param step of the decay, from 0 */
function decay(schedule: Schedule, step: number, stepsPerEpoch: number): number {
  switch (schedule.type) {
    case 'constant':
      return 1;
    case 'step':
      return schedule.factor ** Math.floor(step / (schedule.every * stepsPerEpoch));
    case 'exponential':
      return schedule.factor ** (step / stepsPerEpoch);
    case 'cosine':
      return between(schedule.end, (1 + Math.cos(Math.PI * done(schedule.over, step, stepsPerEpoch))) / 2);
    case 'linear':
      return between(schedule.end, 1 - done(schedule.over, step, stepsPerEpoch));
  }
}

/** Share of the decay that is over; none where its length is left open. */
function done(over: number | undefined, step: number, stepsPerEpoch: number): number {
  return over === undefined ? 0 : Math.min(1, step / (over * stepsPerEpoch));
}

function between(end: number, share: number): number {
  return (1 - end) * share + end;
}

/** The rate after the epochs of `history`, of a run that began with `learningRate`. */
export function plateauRate(
  { factor, patience, minDelta, cooldown, minRate }: Plateau,
  learningRate: number,
  history: readonly EpochRecord[],
  monitor: MetricName,
): number {
  let rate = learningRate;
  let best: number | undefined;
  let wait = 0;
  let cooling = 0;
  for (const record of history) {
    const value = monitoredValue(record, monitor);
    if (value === null) continue;
    if (cooling > 0) {
      cooling--;
      wait = 0;
    }
    if (best === undefined || isGain(monitor, minDelta, value, best)) {
      best = value;
      wait = 0;
    } else if (cooling === 0) {
      wait++;
      if (wait >= patience && rate > minRate) {
        rate = Math.max(rate * factor, minRate);
        cooling = cooldown;
        wait = 0;
      }
    }
  }
  return rate;
}
