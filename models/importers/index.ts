/** `recurrent-onnx/import`: trained text classifiers of Keras, PyTorch and TensorFlow.js. */
export { importModel } from './import-model.ts';
export type { ImportedLayer, ImportedModel, ImportedSetting, ImportFormat } from './imported.ts';
export type { ImportOptions, PytorchOptions } from './options.ts';
export type { VocabularySource } from './vocabulary.ts';
