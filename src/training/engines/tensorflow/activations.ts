/** The activations of recurrent layers, in operations of TensorFlow.js. */
import type { Tensor, Tensor2D } from '@tensorflow/tfjs-core';
import { type Activation, activationConstants } from '../../../../models/activations.ts';
import type { Tensorflow } from './backend.ts';

type Apply = (tf: Tensorflow, x: Tensor) => Tensor;

const table = {
  tanh: (tf, x) => tf.tanh(x),
  sigmoid: (tf, x) => tf.sigmoid(x),
  relu: (tf, x) => tf.relu(x),
  hardSigmoid: (tf, x) => hardSigmoid(tf, x, activationConstants.hardSigmoid),
  hardSigmoidLegacy: (tf, x) => hardSigmoid(tf, x, activationConstants.hardSigmoidLegacy),
  softsign: (tf, x) => tf.div(x, tf.add(tf.abs(x), 1)),
  softplus: (tf, x) => tf.softplus(x),
  elu: (tf, x) => tf.elu(x), // α = 1
  leakyRelu: (tf, x) => tf.leakyRelu(x, activationConstants.leakyRelu.alpha),
  thresholdedRelu: (tf, x) => tf.where(tf.greater(x, activationConstants.thresholdedRelu.alpha), x, tf.zerosLike(x)),
  scaledTanh: (tf, x) =>
    tf.mul(tf.tanh(tf.mul(x, activationConstants.scaledTanh.beta)), activationConstants.scaledTanh.alpha),
  linear: (_, x) => x,
} satisfies Record<Activation, Apply>;

/** @param x [batch, units] */
export function activate(tf: Tensorflow, activation: Activation, x: Tensor2D): Tensor2D {
  return table[activation](tf, x) as Tensor2D;
}

function hardSigmoid(tf: Tensorflow, x: Tensor, { alpha, beta }: { readonly alpha: number; readonly beta: number }) {
  return tf.clipByValue(tf.add(tf.mul(x, alpha), beta), 0, 1);
}
