/**
 * A recurrent layer over time. The inputs of all steps are multiplied by the kernel at once; only the recurrent part
 * runs step by step. Time comes first inside, so that a step's slice is contiguous: on the cpu backend a slice across
 * rows costs more than the arithmetic.
 */
import type { Tensor, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import type { RecurrentLayer } from '../../../../../models/layers.ts';
import type { Tensorflow } from '../backend.ts';
import { createStep, type RecurrentTensors, type State } from './cells.ts';

/**
 * The hidden state after each step read, in the order of reading, each [batch, units]. A masked step carries the state
 * over. Call inside `tf.tidy`.
 *
 * @param inputs [batch, time, features], or token ids [batch, time] that stand for one-hot rows
 * @param mask [batch, time], false where a step is skipped
 */
export function scan(
  tf: Tensorflow,
  layer: RecurrentLayer,
  weights: RecurrentTensors,
  inputs: Tensor,
  mask: Tensor2D | undefined,
  direction: 'forward' | 'backward',
): Tensor2D[] {
  const steps = inTimeOrder(project(tf, weights, inputs), direction);
  const masks = mask && inTimeOrder(tf.unstack(tf.expandDims(tf.transpose(mask), 2)) as Tensor2D[], direction);
  const step = createStep(tf, layer, weights);
  const zeros = tf.zeros<'R2'>([inputs.shape[0] as number, layer.units]);
  let state: State = layer.type === 'lstm' ? [zeros, zeros] : [zeros];
  return steps.map((projected, t) => {
    const before = state;
    state = tf.tidy(() => {
      const next = step(projected, before);
      const valid = masks?.[t];
      return [...(valid ? keepMasked(tf, valid, next, before) : next)];
    }) as unknown as State;
    return state[0];
  });
}

function keepMasked(tf: Tensorflow, valid: Tensor2D, next: State, before: State): Tensor2D[] {
  return next.map((part, index) => tf.where(valid, part, before[index] as Tensor2D));
}

/** Inputs times the kernel plus the bias, one [batch, gates · units] a time step. */
function project(tf: Tensorflow, { kernel, bias }: RecurrentTensors, inputs: Tensor): Tensor2D[] {
  const [batch, time] = inputs.shape as [number, number];
  const width = kernel.shape[1];
  const product =
    inputs.rank === 2
      ? tf.gather(kernel, tf.transpose(inputs as Tensor2D)) // the rows that a product with one-hot rows would pick
      : tf.matMul(tf.reshape(tf.transpose(inputs as Tensor3D, [1, 0, 2]), [time * batch, -1]), kernel);
  const projected = bias ? tf.add(product, bias) : product;
  return tf.unstack(tf.reshape(projected, [time, batch, width])) as Tensor2D[];
}

function inTimeOrder<T>(steps: readonly T[], direction: 'forward' | 'backward'): readonly T[] {
  return direction === 'forward' ? steps : steps.toReversed();
}
