/**
 * The learning rate of every step: a function of the step and of the epochs before it, so that a resumed run takes the
 * rates of one that never stopped. Schedules as in `keras.optimizers.schedules`; the reduction on a plateau as Keras'
 * callback `ReduceLROnPlateau`.
 */
import { z } from 'zod';
import type { EpochRecord } from '../../models/checkpoint/state.ts';
import type { MetricName } from './metrics.ts';
import { isGain, monitoredValue } from './monitor.ts';

/** Epochs, parts of one included. */
const epochs = z.number().gt(0).max(1_000_000);
/** Over these epochs the rate rises evenly from 0; the schedule begins after them. */
const warmup = z.number().min(0).max(1_000_000).default(0);
/** What a rate is multiplied by. */
const factor = z.number().gt(0).max(1);
/** Where the rate ends, as a share of the learning rate. */
const end = z.number().min(0).max(1).default(0);

export const scheduleSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('constant'), warmup }),
  /** Multiplied by `factor` after every so many epochs: `ExponentialDecay(staircase=True)`, PyTorch's `StepLR`. */
  z.strictObject({ type: z.literal('step'), every: epochs, factor, warmup }),
  /** By `factor` in each epoch, evenly over its steps: `ExponentialDecay`. */
  z.strictObject({ type: z.literal('exponential'), factor, warmup }),
  /** Half a cosine down to `end`: `CosineDecay`. @remarks `over` is by default the epochs that the run may have. */
  z.strictObject({ type: z.literal('cosine'), over: epochs.optional(), end, warmup }),
  /** A line down to `end`: `PolynomialDecay` of power 1. */
  z.strictObject({ type: z.literal('linear'), over: epochs.optional(), end, warmup }),
]);

export type Schedule = Readonly<z.output<typeof scheduleSchema>>;

export const constantRate: Schedule = { type: 'constant', warmup: 0 };

export const plateauSchema = z.strictObject({
  factor: z.number().gt(0).lt(1).default(0.1),
  /** Epochs without a gain after which the rate is reduced. */
  patience: z.int().min(1).max(1_000_000).default(2),
  /** Least gain that counts. */
  minDelta: z.number().min(0).max(1e6).default(1e-4),
  /** Epochs after a reduction before the next is thought of. */
  cooldown: z.int().min(0).max(1_000_000).default(0),
  /** The rate never gets lower. */
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
