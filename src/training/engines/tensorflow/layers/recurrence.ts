/**
 * A recurrent layer step by step, for what TensorFlow has no fused operation for. The gradient is written by hand, so
 * that the way back has few operations too, and most of them outside the loop (`cells/cell.ts`).
 */
import type { Tensor, Tensor1D, Tensor2D, Tensor3D, Tensor4D } from '@tensorflow/tfjs-core';
import type { RecurrentLayer } from '../../../../../models/layers.ts';
import { gates } from '../../../../../models/plan.ts';
import type { Tensorflow } from '../backend.ts';
import type { Stepped, Trace } from '../cells/cell.ts';
import { createCell } from '../cells/create-cell.ts';
import { withGradient } from './with-gradient.ts';

export interface RecurrenceInputs {
  /** Inputs times the kernel plus biases, in the order of reading, [time, batch, gates · units]. */
  readonly sums: Tensor3D;
  /** [units, gates · units] */
  readonly recurrentKernel: Tensor2D;
  /** Of a GRU whose reset gate acts after the product, [units]. */
  readonly candidateBias: Tensor1D | undefined;
  /** Recurrent dropout, [batch, units]. */
  readonly dropped: Tensor2D | undefined;
  /** 0 where a row has ended, else 1, [time, batch]. What follows the end of a row is read by nobody. */
  readonly alive: Float32Array | undefined;
  /** States before the first step, the hidden one first, [batch, units] each. */
  readonly initial: readonly Tensor2D[];
  /** Whether the cell states of an LSTM are a result too. */
  readonly withCell: boolean;
}

/** The hidden state after each step, [time, batch, units], and with `withCell` the cell state. */
export type Recurrence = (tf: Tensorflow, layer: RecurrentLayer, inputs: RecurrenceInputs) => Tensor3D[];

interface Walked extends Stepped {
  readonly entering: Tensor3D;
  readonly before: readonly Tensor3D[];
}

/** A few operations of TensorFlow a step. */
export const recurrence: Recurrence = (tf, layer, inputs) => {
  const { initial, withCell } = inputs;
  const { units } = layer;
  const [time, batch] = inputs.sums.shape;
  const count = gates[layer.type];
  const byGate = tf.reshape(inputs.sums, [time, batch, count, units]) as Tensor4D;
  const projected = tf.transpose(byGate, [0, 2, 1, 3]); // [time, gates, batch, units]
  const ofGates = tf.reshape(inputs.recurrentKernel, [units, count, units]) as Tensor3D;
  const kernel = tf.transpose(ofGates, [1, 0, 2]); // [gates, units, units]
  const candidateBias = inputs.candidateBias && (tf.reshape(inputs.candidateBias, [1, 1, units]) as Tensor3D);
  const dropped = inputs.dropped && (tf.expandDims(inputs.dropped, 0) as Tensor3D);
  const alive = inputs.alive && tf.tensor4d(inputs.alive, [time, 1, batch, 1]);
  const steps = (tensor: Tensor) => tf.unstack(tensor) as Tensor3D[];
  const drop = (h: Tensor3D, mask: Tensor3D | undefined): Tensor3D => (mask ? tf.mul(h, mask) : h);
  /** `tf.tidy` looks for tensors in what is given, and its types know only the simplest containers. */
  const tidy = <T extends object>(compute: () => T): T => tf.tidy(compute as () => Tensor) as unknown as T;
  const parameters: Tensor[] = candidateBias ? [kernel, candidateBias] : [kernel];

  return withGradient(tf, [projected, ...parameters, ...initial], () => {
    const cell = createCell(tf, layer, kernel, candidateBias);
    const living = alive && steps(alive);
    const walked: Walked[] = [];
    let states: readonly Tensor3D[] = initial.map((state) => tf.expandDims(state, 0));
    for (const [s, x] of steps(projected).entries()) {
      const step = tidy(() => {
        const lives = living?.[s];
        const before = lives ? states.map((state) => tf.mul(state, lives) as Tensor3D) : [...states];
        const entering = drop(before[0] as Tensor3D, dropped);
        return { ...cell.forward(x, entering, before), entering, before };
      });
      walked.push(step);
      states = step.after;
    }
    const join = (pick: (step: Walked) => readonly Tensor3D[]): Tensor4D[] =>
      pick(walked[0] as Walked).map((_, k) => tf.stack(walked.map((step) => pick(step)[k] as Tensor3D)) as Tensor4D);
    const before = join((step) => step.before);
    const kept = join((step) => step.kept);
    const [entering] = dropped ? join((step) => [step.entering]) : before;
    const after = (withCell ? initial : initial.slice(0, 1)).map((_, k) =>
      tf.concat3d(
        walked.map((step) => step.after[k] as Tensor3D),
        0,
      ),
    );

    return {
      results: after,
      kept: [entering as Tensor4D, ...before, ...kept, ...parameters, ...(dropped ? [dropped] : [])],
      gradient: (dy, saved) => {
        const rest = [...saved];
        const take = (count: number) => rest.splice(0, count);
        const [entering] = take(1) as [Tensor4D];
        const trace: Trace = {
          entering,
          before: take(before.length) as Tensor4D[],
          kept: take(kept.length) as Tensor4D[],
        };
        const [savedKernel, savedBias] = take(parameters.length) as [Tensor3D, Tensor3D?];
        const [savedDropped] = take(1) as [Tensor3D?];
        const cell = createCell(tf, layer, savedKernel, savedBias);
        const factors = cell.factors(trace).map(steps);
        const outer = dy.map((gradient) => tf.split(gradient, time) as Tensor3D[]);
        const collected: Tensor3D[] = [];
        let gradients: readonly Tensor3D[] = initial.map(() => tf.zeros([1, batch, units]) as Tensor3D);
        for (let s = time - 1; s >= 0; s--) {
          const back = tidy(() => {
            const leaving = gradients.map((gradient, k) => {
              const given = outer[k]?.[s];
              return given ? (tf.add(gradient, given) as Tensor3D) : gradient;
            });
            const own = factors.map((factor) => factor[s] as Tensor3D);
            const given = cell.backward(own, leaving);
            const [passing, ...others] = given.before;
            const through = drop(given.entering, savedDropped);
            return {
              collected: given.collected,
              gradients: [passing ? (tf.add(passing, through) as Tensor3D) : through, ...(others as Tensor3D[])],
            };
          });
          collected[s] = back.collected;
          gradients = back.gradients;
        }
        const { inputs, kernel, candidateBias } = cell.finish(trace, tf.stack(collected) as Tensor4D);
        const ofInitial = gradients.map((gradient) => tf.reshape(gradient, [batch, units]));
        return [inputs, kernel, ...(candidateBias ? [candidateBias] : []), ...ofInitial];
      },
    };
  }) as Tensor3D[];
};
