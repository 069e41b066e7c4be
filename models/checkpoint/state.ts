/** What a run needs, besides its model, to go on bit for bit from its last epoch. */
import { z } from 'zod';
import type { Weights } from '../weights.ts';

/**
 * The figures of an epoch. Of two classes precision, recall, F1 and area are those of the second, of more the mean over
 * all; null where a version of this package did not measure them.
 */
export interface EpochRecord {
  /** From 1. */
  readonly epoch: number;
  /** Of its last step. */
  readonly learningRate: number;
  /** Mean over the rows of the epoch, with dropout, while the weights move: as Keras reports it. */
  readonly loss: number;
  /** Share of the rows of the epoch whose most probable class was the right one, measured likewise. */
  readonly accuracy: number;
  /** Of what was taken for a class, the share that is of it. */
  readonly precision: number | null;
  /** Of what is of a class, the share that was taken for it. */
  readonly recall: number | null;
  /** Harmonic mean of the two. */
  readonly f1: number | null;
  /** Area under the receiver operating characteristic; also null where a class has no examples. */
  readonly auc: number | null;
  /** Of the validation part, after the epoch; null without one. */
  readonly validationLoss: number | null;
  /** Likewise. */
  readonly validationAccuracy: number | null;
  /** Likewise. */
  readonly validationPrecision: number | null;
  /** Likewise. */
  readonly validationRecall: number | null;
  /** Likewise. */
  readonly validationF1: number | null;
  /** Likewise. */
  readonly validationAuc: number | null;
}

type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/** What a run needs, besides its model, to go on bit for bit from its last epoch. */
export interface RunState {
  /** The options that the run began with, by the names of `train`. */
  readonly options: Readonly<Record<string, Json>>;
  /** Epochs done. */
  readonly epoch: number;
  /** Updates done by the optimiser. */
  readonly optimiserStep: number;
  /** Whose weights the model has. */
  readonly bestEpoch: number;
  /** Of all epochs. */
  readonly history: readonly EpochRecord[];
  /** After the last epoch; the checkpoint's model holds the best ones. */
  readonly weights: Weights;
  /** Moments of the optimiser, by kind (`m`, `v`, `velocity`), then by weight. */
  readonly moments: ReadonlyMap<string, ReadonlyMap<string, Float32Array>>;
}

const measured = z.number().nullable().default(null);

export const epochRecordSchema = z.strictObject({
  epoch: z.int().min(1),
  learningRate: z.number(),
  loss: z.number(),
  accuracy: z.number(),
  precision: measured,
  recall: measured,
  f1: measured,
  auc: measured,
  validationLoss: z.number().nullable(),
  validationAccuracy: z.number().nullable(),
  validationPrecision: measured,
  validationRecall: measured,
  validationF1: measured,
  validationAuc: measured,
});

export const runStateSchema = z.strictObject({
  options: z.record(z.string(), z.json()),
  epoch: z.int().min(0),
  optimiserStep: z.int().min(0),
  bestEpoch: z.int().min(0),
  history: z.array(epochRecordSchema),
});
