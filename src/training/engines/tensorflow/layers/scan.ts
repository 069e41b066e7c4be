/**
 * A recurrent layer over time. The inputs of all steps are multiplied by the kernel at once; only the recurrent part
 * runs step by step. Time comes first inside, so that the slice of a step is contiguous.
 */
import type { Tensor, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import type { RecurrentLayer } from '../../../../../models/layers.ts';
import type { Tensorflow } from '../backend.ts';
import { createStep, type State } from './cells.ts';
import { type GateWeights, splitGates } from './weights.ts';

export type Direction = 'forward' | 'backward';

/**
 * The hidden state after each step read, in the order of reading, each [batch, units]. A masked step carries the state
 * over. Call inside `tf.tidy`.
 *
 * @param weights in the order of `weightShapes`
 * @param inputs [batch, time, features], or token ids [batch, time] that stand for one-hot rows
 * @param mask [batch, time], false where a step is skipped
 */
export function scan(
  tf: Tensorflow,
  layer: RecurrentLayer,
  weights: readonly Tensor[],
  inputs: Tensor,
  mask: Tensor2D | null | undefined,
  direction: Direction,
): Tensor2D[] {
  const gates = splitGates(tf, layer, weights);
  const step = createStep(tf, layer, gates);
  const projected = project(tf, gates, inputs);
  const masks = mask && (tf.unstack(tf.expandDims(tf.transpose(mask), 2)) as Tensor2D[]);
  const [batch, time] = inputs.shape as [number, number];
  const zeros = tf.zeros([batch, layer.units]) as Tensor2D;

  let state: State = layer.type === 'lstm' ? [zeros, zeros] : [zeros];
  return Array.from({ length: time }, (_, read) => {
    const t = direction === 'forward' ? read : time - 1 - read;
    const before = state;
    state = tf.tidy(() => {
      const next = step(
        projected.map((gate) => gate[t] as Tensor2D),
        before,
      );
      const valid = masks?.[t]; // [batch, 1]
      return valid ? next.map((part, index) => tf.where(valid, part, before[index] as Tensor2D)) : [...next];
    }) as unknown as State;
    return state[0];
  });
}

/** Inputs times the kernel plus the bias: by gate, then by time step, [batch, units]. */
function project(tf: Tensorflow, gates: readonly GateWeights[], inputs: Tensor): Tensor2D[][] {
  const [batch, time] = inputs.shape as [number, number];
  const steps =
    inputs.rank === 2
      ? (tf.transpose(inputs as Tensor2D) as Tensor2D)
      : tf.reshape(tf.transpose(inputs as Tensor3D, [1, 0, 2]), [time * batch, -1]);
  return gates.map(({ kernel, bias }) => {
    // A product with one-hot rows picks rows of the kernel.
    const product = inputs.rank === 2 ? tf.gather(kernel, steps) : tf.matMul(steps, kernel);
    const biased = bias ? tf.add(product, bias) : product;
    return tf.unstack(tf.reshape(biased, [time, batch, -1])) as Tensor2D[];
  });
}
