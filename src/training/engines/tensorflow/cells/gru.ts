/**
 * GRU: h' = ĥ + z∘(h − ĥ), where the reset gate acts after the recurrent product, ĥ = act(x·W + b + r∘(h·U + b')), or
 * before it, ĥ = act(x·W + b + (r∘h)·U). Recurrent dropout acts on the h of products, not on that of z∘h.
 */
import type { Tensor3D, Tensor4D } from '@tensorflow/tfjs-core';
import type { LayerOf } from '../../../../../models/layers.ts';
import { activate, slopeOf } from '../activations.ts';
import type { Tensorflow } from '../backend.ts';
import type { Cell } from './cell.ts';
import { backThrough, kernelGradient } from './products.ts';

/** @param candidateBias b', [1, 1, units]; the biases of the other gates are part of x */
export function gruCell(
  tf: Tensorflow,
  layer: LayerOf<'gru'>,
  kernel: Tensor3D,
  candidateBias: Tensor3D | undefined,
): Cell {
  return layer.resetAfter ? resetAfterCell(tf, layer, kernel, candidateBias) : resetBeforeCell(tf, layer, kernel);
}

function resetAfterCell(
  tf: Tensorflow,
  { activation, recurrentActivation }: LayerOf<'gru'>,
  kernel: Tensor3D, // [3, units, units]
  candidateBias: Tensor3D | undefined,
): Cell {
  return {
    forward(x, entering, [h]) {
      const [recurrentZr, product] = tf.split(tf.matMul(entering, kernel), [2, 1]) as [Tensor3D, Tensor3D];
      const recurrent: Tensor3D = candidateBias ? tf.add(product, candidateBias) : product;
      const [inputZr, inputH] = tf.split(x, [2, 1]) as [Tensor3D, Tensor3D];
      const updateReset = activate(tf, recurrentActivation, tf.add(inputZr, recurrentZr) as Tensor3D);
      const [update, reset] = tf.split(updateReset, 2) as [Tensor3D, Tensor3D];
      const candidate = activate(tf, activation, tf.add(inputH, tf.mul(reset, recurrent)) as Tensor3D);
      const next: Tensor3D = tf.add(candidate, tf.mul(update, tf.sub(h as Tensor3D, candidate)));
      return { after: [next], kept: [updateReset, recurrent, candidate] };
    },

    /** Of h': to the gates z and r, to the product inside r, to the gate h, and to h. */
    factors({ before: [h], kept }) {
      const [updateReset, recurrent, candidate] = kept as [Tensor4D, Tensor4D, Tensor4D];
      const [update, reset] = tf.split(updateReset, 2, 1) as [Tensor4D, Tensor4D];
      const [updateSlope, resetSlope] = tf.split(slopeOf(tf, recurrentActivation, updateReset), 2, 1);
      const ofCandidate = tf.mul(tf.sub(1, update), slopeOf(tf, activation, candidate)) as Tensor4D;
      return [
        tf.concat4d(
          [
            tf.mul(tf.sub(h as Tensor4D, candidate), updateSlope as Tensor4D),
            tf.mul(ofCandidate, tf.mul(recurrent, resetSlope as Tensor4D)),
            tf.mul(ofCandidate, reset),
            ofCandidate,
            update,
          ],
          1,
        ),
      ];
    },

    backward([factors], [dh]) {
      const collected = tf.mul(dh as Tensor3D, factors as Tensor3D) as Tensor3D;
      const [products, , before] = tf.split(collected, [3, 1, 1]) as [Tensor3D, Tensor3D, Tensor3D];
      return { collected, entering: backThrough(tf, products, kernel), before: [before] };
    },

    finish({ entering }, collected) {
      const [zr, product, candidate] = tf.split(collected, [2, 1, 1, 1], 1) as [Tensor4D, Tensor4D, Tensor4D];
      return {
        inputs: tf.concat4d([zr, candidate], 1),
        kernel: kernelGradient(tf, entering, tf.concat4d([zr, product], 1)),
        ...(candidateBias && { candidateBias: tf.expandDims(tf.sum(product, [0, 2]), 0) as Tensor3D }),
      };
    },
  };
}

function resetBeforeCell(
  tf: Tensorflow,
  { activation, recurrentActivation }: LayerOf<'gru'>,
  kernel: Tensor3D, // [3, units, units]
): Cell {
  const [gateKernel, candidateKernel] = tf.split(kernel, [2, 1]) as [Tensor3D, Tensor3D];
  return {
    forward(x, entering, [h]) {
      const [inputZr, inputH] = tf.split(x, [2, 1]) as [Tensor3D, Tensor3D];
      const sums: Tensor3D = tf.add(inputZr, tf.matMul(entering, gateKernel));
      const updateReset = activate(tf, recurrentActivation, sums);
      const [update, reset] = tf.split(updateReset, 2) as [Tensor3D, Tensor3D];
      const resetHidden: Tensor3D = tf.mul(reset, entering);
      const candidate = activate(tf, activation, tf.add(inputH, tf.matMul(resetHidden, candidateKernel)) as Tensor3D);
      const next: Tensor3D = tf.add(candidate, tf.mul(update, tf.sub(h as Tensor3D, candidate)));
      return { after: [next], kept: [updateReset, resetHidden, candidate] };
    },

    factors({ entering, before: [h], kept }) {
      const [updateReset, , candidate] = kept as [Tensor4D, Tensor4D, Tensor4D];
      const [update, reset] = tf.split(updateReset, 2, 1) as [Tensor4D, Tensor4D];
      const [updateSlope, resetSlope] = tf.split(slopeOf(tf, recurrentActivation, updateReset), 2, 1);
      return [
        // of h': to the gates z and h, and to h
        tf.concat4d(
          [
            tf.mul(tf.sub(h as Tensor4D, candidate), updateSlope as Tensor4D),
            tf.mul(tf.sub(1, update), slopeOf(tf, activation, candidate)),
            update,
          ],
          1,
        ),
        // of r∘h: to the gate r, and to h
        tf.concat4d([tf.mul(entering, resetSlope as Tensor4D), reset], 1),
      ];
    },

    backward([ofHidden, ofResetHidden], [dh]) {
      const fromHidden = tf.mul(dh as Tensor3D, ofHidden as Tensor3D);
      const [sumsZ, sumsH, before] = tf.split(fromHidden, 3) as [Tensor3D, Tensor3D, Tensor3D];
      const fromReset = tf.mul(backThrough(tf, sumsH, candidateKernel), ofResetHidden as Tensor3D);
      const [sumsR, throughReset] = tf.split(fromReset, 2) as [Tensor3D, Tensor3D];
      const sumsZr = tf.concat3d([sumsZ, sumsR], 0);
      return {
        collected: tf.concat3d([sumsZr, sumsH], 0),
        entering: tf.add(throughReset, backThrough(tf, sumsZr, gateKernel)),
        before: [before],
      };
    },

    finish({ entering, kept: [, resetHidden] }, sums) {
      const [sumsZr, sumsH] = tf.split(sums, [2, 1], 1) as [Tensor4D, Tensor4D];
      const ofGates = kernelGradient(tf, entering, sumsZr);
      const ofCandidate = kernelGradient(tf, resetHidden as Tensor4D, sumsH);
      return { inputs: sums, kernel: tf.concat3d([ofGates, ofCandidate], 0) };
    },
  };
}
