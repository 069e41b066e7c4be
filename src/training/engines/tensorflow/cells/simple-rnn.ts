/** SimpleRNN: h' = act(x·W + h·U + b). */
import type { Tensor3D } from '@tensorflow/tfjs-core';
import type { LayerOf } from '../../../../../models/layers.ts';
import { activate, slopeOf } from '../activations.ts';
import type { Tensorflow } from '../backend.ts';
import type { Cell } from './cell.ts';
import { backThrough, kernelGradient } from './products.ts';

export function simpleRnnCell(tf: Tensorflow, { activation }: LayerOf<'simpleRnn'>, kernel: Tensor3D): Cell {
  return {
    forward(x, entering) {
      const h = activate(tf, activation, tf.add(x, tf.matMul(entering, kernel)) as Tensor3D);
      return { after: [h], kept: [h] };
    },
    factors: ({ kept: [h] }) => (h ? [slopeOf(tf, activation, h)] : []),
    backward([slope], [dh]) {
      const sums = tf.mul(dh as Tensor3D, slope as Tensor3D) as Tensor3D;
      return { collected: sums, entering: backThrough(tf, sums, kernel), before: [undefined] };
    },
    finish: ({ entering }, sums) => ({ inputs: sums, kernel: kernelGradient(tf, entering, sums) }),
  };
}
