/** Early stopping, the best epoch, reduction on a plateau and schedules against Keras' and PyTorch's (tools/fixtures/keras_callbacks.py). */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type EpochRecord, epochRecordSchema } from '../../models/checkpoint/state.ts';
import {
  constantRate,
  plateauRate,
  plateauSchema,
  type Schedule,
  scheduledRate,
  scheduleSchema,
} from '../../src/training/learning-rate.ts';
import type { MetricName } from '../../src/training/metrics.ts';
import { bestEpoch, epochsWithoutGain, monitoredValue } from '../../src/training/monitor.ts';

interface Fixture {
  readonly name: string;
  readonly monitor: MetricName;
  readonly values: readonly number[];
  readonly patience: number;
  readonly minDelta: number;
  readonly epochs?: number;
  readonly bestEpoch: number;
  readonly options: unknown;
  readonly learningRate: number;
  readonly stepsPerEpoch?: number;
  readonly rates: readonly number[];
}

const path = new URL('../fixtures/layers/callbacks.json', import.meta.url);
const { source, cases } = JSON.parse(readFileSync(path, 'utf8')) as { source: string; cases: Fixture[] };

/** The validation part has the figures, the training part others. */
function historyOf(values: readonly number[], monitor: MetricName): EpochRecord[] {
  return values.map((value, index) =>
    epochRecordSchema.parse({
      ...{ epoch: index + 1, learningRate: 1, loss: index, accuracy: 0, f1: index },
      ...{ validationLoss: 0, validationAccuracy: 0 },
      [`validation${monitor[0]?.toUpperCase()}${monitor.slice(1)}`]: value,
    }),
  );
}

/** Some ten float64 operations in another order. */
const digits = 15;

describe(source, () => {
  const ends = cases.filter(({ epochs }) => epochs !== undefined);
  it.each(ends)('$name', ({ monitor, values, patience, minDelta, epochs, bestEpoch: best }) => {
    const history = historyOf(values, monitor);
    const end = history.findIndex(
      (_, last) => epochsWithoutGain(history.slice(0, last + 1), { monitor, minDelta }) >= patience,
    );
    expect(end + 1).toBe(epochs);
    expect(bestEpoch(history.slice(0, epochs), monitor)).toBe(best);
  });

  const plateaus = cases.filter(({ name }) => name.startsWith('plateau'));
  it.each(plateaus)('$name', ({ monitor, values, options, learningRate, rates }) => {
    const history = historyOf(values, monitor);
    const plateau = plateauSchema.parse(options);
    for (const [epoch, rate] of rates.entries()) {
      expect(plateauRate(plateau, learningRate, history.slice(0, epoch), monitor)).toBeCloseTo(rate, digits);
    }
    expect(new Set(rates).size).toBeGreaterThan(2);
  });

  const schedules = cases.filter(({ stepsPerEpoch }) => stepsPerEpoch !== undefined);
  it.each(schedules)('$name', ({ options, learningRate, stepsPerEpoch = 0, rates }) => {
    const schedule = scheduleSchema.parse(options);
    for (const [step, rate] of rates.entries()) {
      // Warm-up is in Keras only part of CosineDecay; its rate 0 and PyTorch's are the same line.
      expect(scheduledRate(schedule, learningRate, step, stepsPerEpoch), `step ${step}`).toBeCloseTo(rate, digits);
    }
  });
});

describe('a schedule', () => {
  const schedule: fc.Arbitrary<Schedule> = fc.oneof(
    fc.record({ type: fc.constant('constant' as const), warmup: fc.double({ min: 0, max: 9, noNaN: true }) }),
    fc.record({
      type: fc.constantFrom('cosine' as const, 'linear' as const),
      over: fc.double({ min: 0.1, max: 30, noNaN: true }),
      end: fc.double({ min: 0, max: 1, noNaN: true }),
      warmup: fc.double({ min: 0, max: 9, noNaN: true }),
    }),
    fc.record({
      type: fc.constant('step' as const),
      every: fc.double({ min: 0.1, max: 30, noNaN: true }),
      factor: fc.double({ min: 0.01, max: 1, noNaN: true }),
      warmup: fc.double({ min: 0, max: 9, noNaN: true }),
    }),
  );

  it('rises evenly while it warms up, never rises after that, and stays between its end and the learning rate', () => {
    fc.assert(
      fc.property(schedule, fc.integer({ min: 1, max: 50 }), (given, stepsPerEpoch) => {
        const rates = Array.from({ length: 200 }, (_, step) => scheduledRate(given, 0.5, step, stepsPerEpoch));
        const rising = Math.ceil(given.warmup * stepsPerEpoch);
        const lowest = 'end' in given ? 0.5 * given.end : 0;
        for (const [step, rate] of rates.entries()) {
          expect(rate).toBeLessThanOrEqual(0.5);
          if (step < rising) expect(rate).toBeCloseTo((0.5 * step) / (given.warmup * stepsPerEpoch), digits);
          else expect(rate).toBeGreaterThanOrEqual(lowest - 1e-15);
          if (step > rising) expect(rate).toBeLessThanOrEqual((rates[step - 1] as number) + 1e-15);
        }
      }),
    );
  });

  it('without anything is the learning rate to the bit', () => {
    for (let step = 0; step < 5; step++) expect(scheduledRate(constantRate, 0.1, step, 3)).toBe(0.1);
  });
});

describe('what is watched', () => {
  const record = epochRecordSchema.parse({
    ...{ epoch: 1, learningRate: 1, loss: 1, accuracy: 2, precision: 3, recall: 4, f1: 5, auc: 6 },
    ...{ validationLoss: 11, validationAccuracy: 12, validationPrecision: 13, validationRecall: 14 },
    ...{ validationF1: 15, validationAuc: 16 },
  });

  it('is the validation part, and the training part where there is none', () => {
    const names = ['loss', 'accuracy', 'precision', 'recall', 'f1', 'auc'] as const;
    expect(names.map((name) => monitoredValue(record, name))).toEqual([11, 12, 13, 14, 15, 16]);
    const alone = { ...record, validationLoss: null };
    expect(names.map((name) => monitoredValue(alone, name))).toEqual([1, 2, 3, 4, 5, 6]);
  });
});
