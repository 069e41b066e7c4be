/** `recurrent-onnx/web`: running exported classifiers in a browser. */
export { type ErrorCode, RecurrentError } from '../../src/core/errors.ts';
export type { BatchingOptions } from '../batching/batcher.ts';
export type { ExplainOptions, Explanation, WordContribution } from '../predict/explain.ts';
export type {
  CallOptions,
  ClassScore,
  DecideOptions,
  Decision,
  Prediction,
  PredictOptions,
} from '../predict/prediction.ts';
export type { Load, RawOutputs, TextClassifier, Texts } from '../predict/text-classifier.ts';
export type { TextSession, TextSessionOptions } from '../predict/text-session.ts';
export { loadClassifier, type ModelSource, type WebOptions } from './load-classifier.ts';
