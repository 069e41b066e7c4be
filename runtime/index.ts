/** Running exported classifiers: raw text in, label and probability out. */
export type { BatchingOptions, BatchRecord } from './batching/batcher.ts';
export type { NodePlacement } from './onnx/placement.ts';
export type { ProviderName, ProviderRequest } from './onnx/providers.ts';
export type { SessionOptions } from './onnx/session-options.ts';
export { type Classifier, type ClassifierLoad, type ClassifierOptions, loadClassifier } from './predict/classifier.ts';
export type { CallOptions, Load, RawOutputs } from './predict/classify-with.ts';
export type { Prediction } from './predict/prediction.ts';
