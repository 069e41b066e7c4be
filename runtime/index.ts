/** Running exported classifiers: raw text in, label and probability out. */
export type { NodePlacement } from './onnx/placement.ts';
export type { ProviderName, ProviderRequest } from './onnx/providers.ts';
export type { SessionOptions } from './onnx/session.ts';
export { type Classifier, loadClassifier } from './predict/classifier.ts';
export type { RawOutputs } from './predict/classify-with.ts';
export type { Prediction } from './predict/prediction.ts';
