/** `recurrent-onnx/models`: what a model is, as data. */
export { type Checkpoint, loadCheckpoint, saveCheckpoint } from './checkpoint/checkpoint.ts';
export type { EpochRecord, RunState } from './checkpoint/state.ts';
export { initialWeights } from './initialisers.ts';
export { type Layer, type ModelSpec, type SpecInput, specSchema } from './layers.ts';
export type { TrainedModel, TrainingRecord } from './model.ts';
export { countParameters, type ModelPlan, planModel } from './plan.ts';
export { parseSpec } from './spec.ts';
export type { LayerInput, RecurrentInput } from './spec-input.ts';
export { summary } from './summary.ts';
export { createEncoder, type EncodedTexts, type Encoder } from './text/encoder.ts';
export { padSequences } from './text/padding.ts';
export { defaultTokenizer, kerasTokenizer, type Preprocessing, type TokenizerOptions } from './text/preprocessing.ts';
export { fitVocabulary } from './text/vocabulary.ts';
export type { Tensor, Weights } from './weights.ts';
export { chapterModels } from './zoo/chapter-models.ts';
export { zoo, zooModel } from './zoo/zoo.ts';
export type { ZooModel } from './zoo/zoo-model.ts';
