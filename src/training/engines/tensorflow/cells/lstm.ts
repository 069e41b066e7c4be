/** LSTM: c' = f∘c + i∘g, h' = o∘act(c'), where i, f, o and g (Keras' gate c) come from x·W + h·U + b. */
import type { Tensor3D, Tensor4D } from '@tensorflow/tfjs-core';
import type { LayerOf } from '../../../../../models/layers.ts';
import { activate, slopeOf } from '../activations.ts';
import type { Tensorflow } from '../backend.ts';
import type { Cell } from './cell.ts';
import { backThrough, kernelGradient } from './products.ts';

export function lstmCell(
  tf: Tensorflow,
  { activation, recurrentActivation }: LayerOf<'lstm'>,
  kernel: Tensor3D, // [4, units, units]
): Cell {
  return {
    forward(x, entering, [, cell]) {
      const sums = tf.add(x, tf.matMul(entering, kernel));
      const [sumsIf, sumsG, sumsO] = tf.split(sums, [2, 1, 1]) as [Tensor3D, Tensor3D, Tensor3D];
      const inputForget = activate(tf, recurrentActivation, sumsIf);
      const candidate = activate(tf, activation, sumsG);
      const output = activate(tf, recurrentActivation, sumsO);
      const [input, forget] = tf.split(inputForget, 2) as [Tensor3D, Tensor3D];
      const next: Tensor3D = tf.add(tf.mul(forget, cell as Tensor3D), tf.mul(input, candidate));
      const squashed = activate(tf, activation, next);
      return { after: [tf.mul(output, squashed), next], kept: [inputForget, candidate, output, squashed] };
    },

    factors({ before: [, cell], kept }) {
      const [inputForget, candidate, output, squashed] = kept as [Tensor4D, Tensor4D, Tensor4D, Tensor4D];
      const [input, forget] = tf.split(inputForget, 2, 1) as [Tensor4D, Tensor4D];
      const [inputSlope, forgetSlope] = tf.split(slopeOf(tf, recurrentActivation, inputForget), 2, 1);
      return [
        // of h': to c' and to the output gate
        tf.concat4d(
          [
            tf.mul(output, slopeOf(tf, activation, squashed)),
            tf.mul(squashed, slopeOf(tf, recurrentActivation, output)),
          ],
          1,
        ),
        // of c': to the gates i, f and c, and to c
        tf.concat4d(
          [
            tf.mul(candidate, inputSlope as Tensor4D),
            tf.mul(cell as Tensor4D, forgetSlope as Tensor4D),
            tf.mul(input, slopeOf(tf, activation, candidate)),
            forget,
          ],
          1,
        ),
      ];
    },

    backward([ofHidden, ofCell], [dh, dc]) {
      const fromHidden = tf.mul(dh as Tensor3D, ofHidden as Tensor3D);
      const [throughOutput, sumsO] = tf.split(fromHidden, 2) as [Tensor3D, Tensor3D];
      const fromCell = tf.mul(tf.add(dc as Tensor3D, throughOutput), ofCell as Tensor3D);
      const [sumsIfg, before] = tf.split(fromCell, [3, 1]) as [Tensor3D, Tensor3D];
      const sums = tf.concat3d([sumsIfg, sumsO], 0);
      return { collected: sums, entering: backThrough(tf, sums, kernel), before: [undefined, before] };
    },

    finish: ({ entering }, sums) => ({ inputs: sums, kernel: kernelGradient(tf, entering, sums) }),
  };
}
