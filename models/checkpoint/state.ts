/** What a run needs, besides its model, to go on bit for bit from its last epoch. */
import { z } from 'zod';
import type { Weights } from '../weights.ts';

const measured = z.number().nullable().default(null);

export const epochRecordSchema = z.strictObject({
  /** From 1. */
  epoch: z.int().min(1),
  /** Of its last step. */
  learningRate: z.number(),
  /** Mean over the rows of the epoch, with dropout, while the weights move: as Keras reports it. */
  loss: z.number(),
  accuracy: z.number(),
  /** Of two classes those of the second, of more the mean over all; null in files of versions that did not measure them. */
  precision: measured,
  recall: measured,
  f1: measured,
  /** Area under the receiver operating characteristic; also null where a class has no examples. */
  auc: measured,
  /** Of the validation part, after the epoch; null without one. */
  validationLoss: z.number().nullable(),
  validationAccuracy: z.number().nullable(),
  validationPrecision: measured,
  validationRecall: measured,
  validationF1: measured,
  validationAuc: measured,
});

export type EpochRecord = Readonly<z.output<typeof epochRecordSchema>>;

export const runStateSchema = z.strictObject({
  /** The options that the run began with, by the names of `train`. */
  options: z.record(z.string(), z.json()),
  /** Epochs done. */
  epoch: z.int().min(0),
  /** Updates done by the optimiser. */
  optimiserStep: z.int().min(0),
  /** Whose weights the model has. */
  bestEpoch: z.int().min(0),
  /** In files of versions that watched only the loss: both follow from the history. */
  bestLoss: z.number().nullable().optional(),
  wait: z.int().min(0).optional(),
  history: z.array(epochRecordSchema),
});

export type RunState = Readonly<z.output<typeof runStateSchema>> & {
  /** After the last epoch; the checkpoint's model holds the best ones. */
  readonly weights: Weights;
  /** Moments of the optimiser, by kind (`m`, `v`, `velocity`), then by weight. */
  readonly moments: ReadonlyMap<string, ReadonlyMap<string, Float32Array>>;
};
