/**
 * A cell: what happens to all rows in one step of a recurrent layer, and on the way back. Gates stand in a dimension of
 * their own, [gates, batch, units], in Keras' order (i f c o; z r h): one product serves all gates of a step, and to
 * take some of them is to take a contiguous block.
 *
 * A small operation costs more to call than to compute, so a step has few of them. The way back is linear in the
 * gradients of the states, with factors that depend on the forward pass alone: these are computed for all steps at
 * once, and a step back is one multiplication by its factors and one product with the recurrent kernel.
 */
import type { Tensor3D, Tensor4D } from '@tensorflow/tfjs-core';

export interface Cell {
  /**
   * @param x the step's inputs times the kernel, plus biases, [gates, batch, units]
   * @param entering the hidden state that enters products, after recurrent dropout, [1, batch, units]
   * @param before the states that enter the step: the hidden one, then the LSTM's cell state, each [1, batch, units]
   */
  forward(x: Tensor3D, entering: Tensor3D, before: readonly Tensor3D[]): Stepped;
  /** Everything of the way back that needs no order. */
  factors(trace: Trace): Tensor4D[];
  /**
   * @param factors those of the step
   * @param gradients of the states that leave the step, each [1, batch, units]
   */
  backward(factors: readonly Tensor3D[], gradients: readonly Tensor3D[]): SteppedBack;
  /** The products over all steps at once. @param collected of every step, [time, n, batch, units] */
  finish(trace: Trace, collected: Tensor4D): CellGradients;
}

export interface Stepped {
  readonly after: readonly Tensor3D[];
  /** What the way back needs besides the states, each [n, batch, units]. */
  readonly kept: readonly Tensor3D[];
}

/** The forward pass, all steps together. */
export interface Trace {
  readonly entering: Tensor4D; // [time, 1, batch, units]
  readonly before: readonly Tensor4D[]; // each [time, 1, batch, units]
  readonly kept: readonly Tensor4D[]; // each [time, n, batch, units]
}

export interface SteppedBack {
  /** Gradients of this step that `finish` makes sums of, [n, batch, units]. */
  readonly collected: Tensor3D;
  /** Gradient of what entered the products, [1, batch, units]. */
  readonly entering: Tensor3D;
  /** Gradients that pass by the products, one a state; undefined: none does. */
  readonly before: readonly (Tensor3D | undefined)[];
}

export interface CellGradients {
  readonly inputs: Tensor4D; // [time, gates, batch, units]
  readonly kernel: Tensor3D; // [gates, units, units]
  /** Of the bias inside the reset gate's product, [1, 1, units]. */
  readonly candidateBias?: Tensor3D;
}
