/**
 * The closed set of activations of recurrent layers: those that ONNX recurrent nodes can express.
 * A model that uses any other could be trained but not exported, so the spec refuses it.
 */
export const activations = [
  'tanh',
  'sigmoid',
  'relu',
  'hardSigmoid',
  'hardSigmoidLegacy',
  'softsign',
  'softplus',
  'elu',
  'leakyRelu',
  'thresholdedRelu',
  'scaledTanh',
  'linear',
] as const;

export type Activation = (typeof activations)[number];

/**
 * Constants of the activations that have any, everywhere the same:
 * - `hardSigmoid`: clip(x/6 + 1/2, 0, 1), as in Keras 3 and PyTorch;
 * - `hardSigmoidLegacy`: clip(x/5 + 1/2, 0, 1), as in Keras 2 and TensorFlow.js;
 * - `elu`: α(eˣ − 1) below 0 (Keras' default); `leakyRelu`: αx below 0 (Keras' default);
 * - `thresholdedRelu`: x above α, else 0; `scaledTanh`: α tanh(βx) (LeCun's constants).
 */
export const activationConstants = {
  hardSigmoid: { alpha: 1 / 6, beta: 0.5 },
  hardSigmoidLegacy: { alpha: 0.2, beta: 0.5 },
  elu: { alpha: 1 },
  leakyRelu: { alpha: 0.2 },
  thresholdedRelu: { alpha: 1 },
  scaledTanh: { alpha: 1.7159, beta: 2 / 3 },
} as const;
