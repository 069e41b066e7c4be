/** The activations of recurrent layers and their derivatives, in operations of TensorFlow.js. */
import type { Tensor } from '@tensorflow/tfjs-core';
import { type Activation, activationConstants } from '../../../../models/activations.ts';
import type { Tensorflow } from './backend.ts';

interface ActivationFunction {
  readonly of: (tf: Tensorflow, x: Tensor) => Tensor;
  /** dy/dx as a function of y. At a kink: the derivative on the flat side, as in Keras. */
  readonly slope: (tf: Tensorflow, y: Tensor) => Tensor;
}

const { hardSigmoid, hardSigmoidLegacy, elu, leakyRelu, thresholdedRelu, scaledTanh } = activationConstants;

const table = {
  tanh: { of: (tf, x) => tf.tanh(x), slope: (tf, y) => tf.sub(1, tf.square(y)) },
  sigmoid: { of: (tf, x) => tf.sigmoid(x), slope: (tf, y) => tf.mul(y, tf.sub(1, y)) },
  relu: { of: (tf, x) => tf.relu(x), slope: (tf, y) => whereAbove(tf, y, 1, 0) },
  hardSigmoid: clipped(hardSigmoid),
  hardSigmoidLegacy: clipped(hardSigmoidLegacy),
  softsign: {
    of: (tf, x) => tf.div(x, tf.add(tf.abs(x), 1)),
    slope: (tf, y) => tf.square(tf.sub(1, tf.abs(y))),
  },
  softplus: { of: (tf, x) => tf.softplus(x), slope: (tf, y) => tf.neg(tf.expm1(tf.neg(y))) },
  elu: {
    of: (tf, x) => tf.elu(x), // α = 1
    slope: (tf, y) => tf.add(tf.minimum(y, 0), elu.alpha), // y + α below zero, α = 1 above
  },
  leakyRelu: {
    of: (tf, x) => tf.leakyRelu(x, leakyRelu.alpha),
    slope: (tf, y) => whereAbove(tf, y, 1, leakyRelu.alpha),
  },
  thresholdedRelu: {
    of: (tf, x) => tf.where(tf.greater(x, thresholdedRelu.alpha), x, tf.zerosLike(x)),
    slope: (tf, y) => whereAbove(tf, y, 1, 0),
  },
  scaledTanh: {
    of: (tf, x) => tf.mul(tf.tanh(tf.mul(x, scaledTanh.beta)), scaledTanh.alpha),
    slope: (tf, y) => tf.mul(tf.sub(scaledTanh.alpha, tf.div(tf.square(y), scaledTanh.alpha)), scaledTanh.beta),
  },
  linear: { of: (_, x) => x, slope: (tf, y) => tf.onesLike(y) },
} satisfies Record<Activation, ActivationFunction>;

/** @param x any shape */
export function activate<T extends Tensor>(tf: Tensorflow, activation: Activation, x: T): T {
  return table[activation].of(tf, x) as T;
}

/** The derivative of an activation that gave `y`. */
export function slopeOf<T extends Tensor>(tf: Tensorflow, activation: Activation, y: T): T {
  return table[activation].slope(tf, y) as T;
}

function clipped({ alpha, beta }: { readonly alpha: number; readonly beta: number }): ActivationFunction {
  return {
    of: (tf, x) => tf.clipByValue(tf.add(tf.mul(x, alpha), beta), 0, 1),
    slope: (tf, y) => tf.mul(tf.cast(tf.logicalAnd(tf.greater(y, 0), tf.less(y, 1)), 'float32'), alpha),
  };
}

/** One number where y is above zero, another elsewhere. */
function whereAbove(tf: Tensorflow, y: Tensor, above: number, elsewhere: number): Tensor {
  return tf.add(tf.mul(tf.cast(tf.greater(y, 0), 'float32'), above - elsewhere), elsewhere);
}
