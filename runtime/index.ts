/** Running exported classifiers: raw text in, label and probability out. */
export { RecurrentError } from '../src/core/errors.ts';
export type { BatchingOptions, BatchRecord } from './batching/batcher.ts';
export type { NodePlacement } from './onnx/placement.ts';
export type { ProviderName, ProviderRequest } from './onnx/providers.ts';
export type { SessionOptions } from './onnx/session-options.ts';
export { type Classifier, type ClassifierLoad, type ClassifierOptions, loadClassifier } from './predict/classifier.ts';
export type { ExplainOptions, Explanation, WordContribution } from './predict/explain.ts';
export type {
  CallOptions,
  ClassScore,
  DecideOptions,
  Decision,
  Prediction,
  PredictOptions,
} from './predict/prediction.ts';
export type { Load, RawOutputs, Texts } from './predict/text-classifier.ts';
export type { TextSession, TextSessionOptions } from './predict/text-session.ts';
