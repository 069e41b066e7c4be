/** The products of a recurrent layer's gates with its recurrent kernel. */
import type { Tensor3D, Tensor4D } from '@tensorflow/tfjs-core';
import type { Tensorflow } from '../backend.ts';

/** Gradient of h in h·U, summed over the gates. @param gates [gates, batch, units] @returns [1, batch, units] */
export function backThrough(tf: Tensorflow, gates: Tensor3D, kernel: Tensor3D): Tensor3D {
  const products: Tensor3D = tf.matMul(gates, kernel, false, true);
  return kernel.shape[0] === 1 ? products : tf.sum<Tensor3D>(products, 0, true);
}

/**
 * Gradient of U in h·U over all steps.
 *
 * @param entering h of each step, [time, 1, batch, units]
 * @param gates gradients of the products, [time, gates, batch, units]
 * @returns [gates, units, units]
 */
export function kernelGradient(tf: Tensorflow, entering: Tensor4D, gates: Tensor4D): Tensor3D {
  const [time, count, batch, units] = gates.shape;
  const rows = tf.reshape(entering, [1, time * batch, units]) as Tensor3D;
  const byGate = tf.reshape(count === 1 ? gates : tf.transpose(gates, [1, 0, 2, 3]), [count, time * batch, units]);
  return tf.matMul(rows, byGate as Tensor3D, true, false);
}
