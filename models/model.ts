/** A trained model: everything that is needed to classify raw text, and nothing else. */
import type { ModelSpec } from './layers.ts';
import type { Preprocessing } from './text/preprocessing.ts';
import type { Weights } from './weights.ts';

export interface TrainedModel {
  readonly spec: ModelSpec;
  readonly weights: Weights;
  readonly preprocessing: Preprocessing;
  /** Word i has id `firstWordId + i`. */
  readonly vocabulary: readonly string[];
  /** Names of the classes by index; a binary head gives the probability of class 1. */
  readonly labels: readonly string[];
  /** Where the weights come from, if they were trained here. */
  readonly training?: TrainingRecord;
}

/** What a model remembers of its training, enough to find its held-out examples again. */
export interface TrainingRecord {
  /** As given to `--data`, e.g. `spam`. */
  readonly source: string;
  /** SHA-256 of the examples in order. */
  readonly fingerprint: string;
  readonly splitSeed: number;
  readonly testSplit: number;
  readonly validationSplit: number;
  readonly engine: string;
  readonly threads: number;
  readonly seed: number;
  /** Epoch of the best weights, from 1. */
  readonly bestEpoch: number;
}
