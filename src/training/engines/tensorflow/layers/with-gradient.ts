import type { GradSaveFunc, Tensor, Tensor1D } from '@tensorflow/tfjs-core';
import type { Tensorflow } from '../backend.ts';

export interface Computed {
  readonly results: readonly Tensor[];
  /** What the way back needs. */
  readonly kept: readonly Tensor[];
  /** @param dy gradients of the results @returns those of the inputs, in their order */
  readonly gradient: (dy: readonly Tensor[], kept: readonly Tensor[]) => Tensor[];
}

/** Whether somebody will ask for a gradient of what is computed now. */
export function isRecorded(tf: Tensorflow): boolean {
  return tf.engine().state.gradientDepth > 0;
}

/**
 * `tf.customGrad` for a computation with one or several results: TensorFlow.js takes one, so several travel through it
 * as one flat tensor.
 *
 * @param inputs what gradients are wanted of
 */
export function withGradient(tf: Tensorflow, inputs: readonly Tensor[], compute: () => Computed): Tensor[] {
  let shapes: readonly number[][] = [];
  const joined = tf.customGrad((...args) => {
    const save = args.at(-1) as GradSaveFunc;
    const { results, kept, gradient } = compute();
    shapes = results.map(({ shape }) => shape);
    save([...kept]);
    return {
      value: join(tf, results),
      gradFunc: (dy: Tensor, saved: Tensor[]) => gradient(part(tf, dy, shapes), saved),
    };
  })(...inputs);
  return part(tf, joined, shapes);
}

function join(tf: Tensorflow, tensors: readonly Tensor[]): Tensor {
  const [first, ...others] = tensors as [Tensor, ...Tensor[]];
  return others.length === 0 ? first : tf.concat1d(tensors.map((tensor) => tf.reshape(tensor, [-1]) as Tensor1D));
}

function part(tf: Tensorflow, joined: Tensor, shapes: readonly number[][]): Tensor[] {
  if (shapes.length === 1) return [joined];
  const sizes = shapes.map((shape) => shape.reduce((product, length) => product * length, 1));
  return tf.split(joined, sizes).map((tensor, index) => tf.reshape(tensor, shapes[index] as number[]));
}
