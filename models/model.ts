/** A trained model: everything that is needed to classify raw text, and nothing else. */
import { z } from 'zod';
import type { ModelSpec } from './layers.ts';
import type { Preprocessing } from './text/preprocessing.ts';
import type { Weights } from './weights.ts';

/** What a model remembers of its training, enough to find its held-out examples again. */
export interface TrainingRecord {
  /** As given to `--data`, e.g. `spam`. */
  readonly source: string;
  /** SHA-256 of the examples in order. */
  readonly fingerprint: string;
  /** Of the split into training, validation and test part. */
  readonly splitSeed: number;
  /** Share of all examples that training never saw. */
  readonly testSplit: number;
  /** Share of all examples that early stopping watched. */
  readonly validationSplit: number;
  /** What trained it. */
  readonly engine: string;
  /** Of the engine. */
  readonly threads: number;
  /** Of initial weights, shuffling and dropout. */
  readonly seed: number;
  /** Epoch of the best weights, from 1. */
  readonly bestEpoch: number;
}

export const trainingRecordSchema = z.strictObject({
  source: z.string(),
  fingerprint: z.string(),
  splitSeed: z.int().min(0),
  testSplit: z.number(),
  validationSplit: z.number(),
  engine: z.string(),
  threads: z.int().min(1),
  seed: z.int().min(0),
  bestEpoch: z.int().min(0),
});

/** A trained model: everything that is needed to classify raw text. */
export interface TrainedModel {
  /** Its layers. */
  readonly spec: ModelSpec;
  /** By name, such as `lstm/kernel`. */
  readonly weights: Weights;
  /** How texts become ids. */
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
