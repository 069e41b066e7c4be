/**
 * Which epoch is the best, and how long ago: functions of the history alone, so that a resumed run decides as one
 * that never stopped. As Keras' `ModelCheckpoint` (any gain makes a new best) and `EarlyStopping` (a gain below
 * `minDelta` is none) do.
 */
import type { EpochRecord } from '../../models/checkpoint/state.ts';
import type { MetricName } from './metrics.ts';

export interface Monitoring {
  /** Of the validation part, or of the training part where there is none. */
  readonly monitor: MetricName;
  /** Least gain that patience counts. */
  readonly minDelta: number;
}

const validated = {
  loss: 'validationLoss',
  accuracy: 'validationAccuracy',
  precision: 'validationPrecision',
  recall: 'validationRecall',
  f1: 'validationF1',
  auc: 'validationAuc',
} as const satisfies Record<MetricName, keyof EpochRecord>;

/** What is watched of an epoch; null where it was not measured. */
export function monitoredValue(record: EpochRecord, monitor: MetricName): number | null {
  return record.validationLoss === null ? record[monitor] : record[validated[monitor]];
}

/** Whether `value` is better than `best` by more than `minDelta`. */
export function isGain(monitor: MetricName, minDelta: number, value: number, best: number): boolean {
  return monitor === 'loss' ? value + minDelta < best : value - minDelta > best;
}

/** The first of the best epochs; 0 before there is one. */
export function bestEpoch(history: readonly EpochRecord[], monitor: MetricName): number {
  return lastGain(history, { monitor, minDelta: 0 });
}

/** Epochs since the last one that gained more than `minDelta`. */
export function epochsWithoutGain(history: readonly EpochRecord[], monitoring: Monitoring): number {
  return history.length - lastGain(history, monitoring);
}

function lastGain(history: readonly EpochRecord[], { monitor, minDelta }: Monitoring): number {
  let best: number | undefined;
  let epoch = 0;
  for (const record of history) {
    const value = monitoredValue(record, monitor);
    if (value === null || (best !== undefined && !isGain(monitor, minDelta, value, best))) continue;
    best = value;
    epoch = record.epoch;
  }
  return epoch;
}
