/** `recurrent-onnx/tfjs`: fast recurrent layers for the models of TensorFlow.js itself. */
export { type RecurrentLayers, type RecurrentLayersOptions, recurrentLayers } from './drop-in/recurrent-layers.ts';
