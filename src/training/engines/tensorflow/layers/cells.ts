/** One time step of each recurrent kind. Gates in Keras' order: i f c o; z r h. */
import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import type { RecurrentLayer } from '../../../../../models/layers.ts';
import { activate } from '../activations.ts';
import type { Tensorflow } from '../backend.ts';

/** The hidden state first, then the LSTM's cell state; each [batch, units]. */
export type State = readonly [Tensor2D, ...Tensor2D[]];

/** @param projected the step's inputs times the kernel, plus biases, [batch, gates · units] */
export type Step = (projected: Tensor2D, state: State) => State;

export interface RecurrentTensors {
  /** [features, gates · units] */
  readonly kernel: Tensor2D;
  /** [units, gates · units] */
  readonly recurrentKernel: Tensor2D;
  /** Added to the projected inputs, [gates · units]. */
  readonly bias: Tensor1D | undefined;
  /** Added to the recurrent product: only where the two cannot be summed (GRU with `resetAfter`). */
  readonly recurrentBias: Tensor1D | undefined;
}

type CellOf<L extends RecurrentLayer> = (tf: Tensorflow, layer: L, weights: RecurrentTensors) => Step;

const cells: { readonly [K in RecurrentLayer['type']]: CellOf<Extract<RecurrentLayer, { type: K }>> } = {
  simpleRnn:
    (tf, { activation }, { recurrentKernel }) =>
    (projected, [h]) => [activate(tf, activation, tf.add(projected, tf.matMul(h, recurrentKernel)))],

  lstm:
    (tf, { activation, recurrentActivation }, { recurrentKernel }) =>
    (projected, [h, c]) => {
      const [i, f, candidate, o] = tf.split(tf.add(projected, tf.matMul(h, recurrentKernel)), 4, 1) as Four;
      const kept = tf.mul(activate(tf, recurrentActivation, f), c as Tensor2D);
      const added = tf.mul(activate(tf, recurrentActivation, i), activate(tf, activation, candidate));
      const cell: Tensor2D = tf.add(kept, added);
      return [tf.mul(activate(tf, recurrentActivation, o), activate(tf, activation, cell)), cell];
    },

  gru: (tf, layer, weights) =>
    layer.resetAfter ? gruResetAfter(tf, layer, weights) : gruResetBefore(tf, layer, weights),
};

type Three = [Tensor2D, Tensor2D, Tensor2D];
type Four = [Tensor2D, Tensor2D, Tensor2D, Tensor2D];
type Gru = Extract<RecurrentLayer, { type: 'gru' }>;

/** ĥ = g(x·W + b₀ + r ∘ (h·U + b₁)) */
const gruResetAfter: CellOf<Gru> =
  (tf, { activation, recurrentActivation }, { recurrentKernel, recurrentBias }) =>
  (projected, [h]) => {
    const product = tf.matMul(h, recurrentKernel);
    const recurrent: Tensor2D = recurrentBias ? tf.add(product, recurrentBias) : product;
    const [xz, xr, xh] = tf.split(projected, 3, 1) as Three;
    const [hz, hr, hh] = tf.split(recurrent, 3, 1) as Three;
    const z: Tensor2D = activate(tf, recurrentActivation, tf.add(xz, hz));
    const r: Tensor2D = activate(tf, recurrentActivation, tf.add(xr, hr));
    return [blend(tf, z, h, activate(tf, activation, tf.add(xh, tf.mul(r, hh))))];
  };

/** ĥ = g(x·W + b + (r ∘ h)·U) */
const gruResetBefore: CellOf<Gru> = (tf, { units, activation, recurrentActivation }, { recurrentKernel }) => {
  const [gateKernel, candidateKernel] = tf.split(recurrentKernel, [2 * units, units], 1) as [Tensor2D, Tensor2D];
  return (projected, [h]) => {
    const [xz, xr, xh] = tf.split(projected, 3, 1) as Three;
    const [hz, hr] = tf.split(tf.matMul(h, gateKernel), 2, 1) as [Tensor2D, Tensor2D];
    const z: Tensor2D = activate(tf, recurrentActivation, tf.add(xz, hz));
    const r: Tensor2D = activate(tf, recurrentActivation, tf.add(xr, hr));
    return [blend(tf, z, h, activate(tf, activation, tf.add(xh, tf.matMul(tf.mul(r, h), candidateKernel))))];
  };
};

/** h′ = z ∘ h + (1 − z) ∘ ĥ */
function blend(tf: Tensorflow, z: Tensor2D, h: Tensor2D, candidate: Tensor2D): Tensor2D {
  return tf.add(tf.mul(z, h), tf.mul(tf.sub(1, z), candidate));
}

/** The step function of `layer` with its weights bound. */
export function createStep(tf: Tensorflow, layer: RecurrentLayer, weights: RecurrentTensors): Step {
  return (cells[layer.type] as CellOf<RecurrentLayer>)(tf, layer, weights);
}
