/**
 * Dropout masks. The engine says which step it is at, and then they are those of every other engine; where
 * TensorFlow.js trains by itself, by `model.fit`, they are random.
 */
import type { Tensor } from '@tensorflow/tfjs-core';
import { sizeOf } from '../../../../../models/weights.ts';
import { type DropoutPurpose, dropoutMask } from '../../../dropout.ts';
import type { Tensorflow } from '../backend.ts';
import type { CallOptions } from './tensorflow-layer.ts';

export interface Dropping {
  readonly purpose: DropoutPurpose;
  readonly stream: number;
  readonly rate: number;
}

/** What to multiply by, of `shape`; undefined outside training or at rate 0. */
export function dropFactors(
  tf: Tensorflow,
  { training, address }: CallOptions,
  { purpose, stream, rate }: Dropping,
  shape: readonly number[],
): Tensor | undefined {
  if (!training || rate === 0) return undefined;
  if (address) return tf.tensor(dropoutMask(address, purpose, stream, rate, sizeOf(shape)), [...shape]);
  const kept = tf.greaterEqual(tf.randomUniform([...shape]), rate);
  return tf.mul(tf.cast(kept, 'float32'), 1 / (1 - rate));
}
