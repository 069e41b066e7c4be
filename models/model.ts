/** A trained model: everything that is needed to classify raw text, and nothing else. */
import { z } from 'zod';
import type { ModelSpec } from './layers.ts';
import type { Preprocessing } from './text/preprocessing.ts';
import type { Weights } from './weights.ts';

/** What a model remembers of its training, enough to find its held-out examples again. */
export const trainingRecordSchema = z.strictObject({
  /** As given to `--data`, e.g. `spam`. */
  source: z.string(),
  /** SHA-256 of the examples in order. */
  fingerprint: z.string(),
  splitSeed: z.int().min(0),
  testSplit: z.number(),
  validationSplit: z.number(),
  engine: z.string(),
  threads: z.int().min(1),
  seed: z.int().min(0),
  /** Epoch of the best weights, from 1. */
  bestEpoch: z.int().min(0),
});

export type TrainingRecord = Readonly<z.output<typeof trainingRecordSchema>>;

export interface TrainedModel {
  readonly spec: ModelSpec;
  readonly weights: Weights;
  readonly preprocessing: Preprocessing;
  /** Word i has id `firstWordId + i`. */
  readonly vocabulary: readonly string[];
  /** Names of the classes by index; a binary head gives the probability of class 1. */
  readonly labels: readonly string[];
  /** Where the weights come from, if they were trained here. */
  readonly training?: TrainingRecord | undefined;
}

/** What a model is besides its weights. */
export type ModelDescription = Omit<TrainedModel, 'weights'>;
