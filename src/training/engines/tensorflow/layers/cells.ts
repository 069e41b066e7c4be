/** One time step of each recurrent kind. Gates in Keras' order: i f c o; z r h. */
import type { Tensor2D } from '@tensorflow/tfjs-core';
import type { RecurrentLayer } from '../../../../../models/layers.ts';
import { activate } from '../activations.ts';
import type { Tensorflow } from '../backend.ts';
import type { GateWeights } from './weights.ts';

/** The hidden state first, then the LSTM's cell state; each [batch, units]. */
export type State = readonly [Tensor2D, ...Tensor2D[]];

/** @param projected a gate each: the step's inputs times the gate's kernel plus its bias, [batch, units] */
export type Step = (projected: readonly Tensor2D[], state: State) => State;

type CellOf<L extends RecurrentLayer> = (tf: Tensorflow, layer: L, gates: readonly GateWeights[]) => Step;

const cells: { readonly [K in RecurrentLayer['type']]: CellOf<Extract<RecurrentLayer, { type: K }>> } = {
  simpleRnn:
    (tf, { activation }, [gate]) =>
    ([x], [h]) => [activate(tf, activation, tf.add(x as Tensor2D, recur(tf, h, gate)))],

  lstm:
    (tf, { activation, recurrentActivation }, [input, forget, candidate, output]) =>
    ([xi, xf, xc, xo], [h, c]) => {
      const i = activate(tf, recurrentActivation, tf.add(xi as Tensor2D, recur(tf, h, input)));
      const f = activate(tf, recurrentActivation, tf.add(xf as Tensor2D, recur(tf, h, forget)));
      const g = activate(tf, activation, tf.add(xc as Tensor2D, recur(tf, h, candidate)));
      const o = activate(tf, recurrentActivation, tf.add(xo as Tensor2D, recur(tf, h, output)));
      const cell: Tensor2D = tf.add(tf.mul(f, c as Tensor2D), tf.mul(i, g));
      return [tf.mul(o, activate(tf, activation, cell)), cell];
    },

  gru:
    (tf, { activation, recurrentActivation, resetAfter }, [update, reset, candidate]) =>
    ([xz, xr, xh], [h]) => {
      const z = activate(tf, recurrentActivation, tf.add(xz as Tensor2D, recur(tf, h, update)));
      const r = activate(tf, recurrentActivation, tf.add(xr as Tensor2D, recur(tf, h, reset)));
      const recurrent: Tensor2D = resetAfter
        ? tf.mul(r, recur(tf, h, candidate)) // r ∘ (h·U + b₁)
        : recur(tf, tf.mul(r, h), candidate); // (r ∘ h)·U
      const next = activate(tf, activation, tf.add(xh as Tensor2D, recurrent));
      return [tf.add(tf.mul(z, h), tf.mul(tf.sub(1, z), next))];
    },
};

/** h·U, plus the gate's recurrent bias if it has its own. */
function recur(tf: Tensorflow, h: Tensor2D, gate: GateWeights | undefined): Tensor2D {
  const { recurrentKernel, recurrentBias } = gate as GateWeights;
  const product: Tensor2D = tf.matMul(h, recurrentKernel);
  return recurrentBias ? tf.add(product, recurrentBias) : product;
}

/** The step function of `layer` with its weights bound. */
export function createStep(tf: Tensorflow, layer: RecurrentLayer, gates: readonly GateWeights[]): Step {
  return (cells[layer.type] as CellOf<RecurrentLayer>)(tf, layer, gates);
}
