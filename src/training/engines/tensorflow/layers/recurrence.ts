/**
 * A recurrent layer step by step, for what TensorFlow has no fused operation for. The gradient is written by hand, so
 * that the way back has few operations too, and most of them outside the loop (`cells/cell.ts`).
 */
import type { GradSaveFunc, Tensor, Tensor2D, Tensor3D, Tensor4D } from '@tensorflow/tfjs-core';
import type { RecurrentLayer } from '../../../../../models/layers.ts';
import type { Tensorflow } from '../backend.ts';
import type { Stepped, Trace } from '../cells/cell.ts';
import { createCell } from '../cells/create-cell.ts';

export interface RecurrenceInputs {
  /** Inputs times the kernel plus biases, in the order of reading, [time, gates, batch, units]. */
  readonly projected: Tensor4D;
  /** [gates, units, units] */
  readonly kernel: Tensor3D;
  /** Of a GRU whose reset gate acts after the product, [1, 1, units]. */
  readonly candidateBias: Tensor3D | undefined;
  /** Recurrent dropout, [1, batch, units]. */
  readonly dropped: Tensor3D | undefined;
  /** 0 where a row has ended, and its state with it, else 1, [time, 1, batch, 1]. */
  readonly alive: Tensor4D | undefined;
  /** States before the first step, the hidden one first, [batch, units] each. */
  readonly initial: readonly Tensor2D[];
}

/** The hidden state after each step, [time, batch, units]. */
export function recurrence(tf: Tensorflow, layer: RecurrentLayer, inputs: RecurrenceInputs): Tensor3D {
  const { projected, kernel, candidateBias, dropped, alive, initial } = inputs;
  const [time, , batch, units] = projected.shape;
  const steps = (tensor: Tensor) => tf.unstack(tensor) as Tensor3D[];
  const drop = (h: Tensor3D, mask: Tensor3D | undefined): Tensor3D => (mask ? tf.mul(h, mask) : h);
  const parts: Tensor[] = candidateBias ? [projected, kernel, candidateBias] : [projected, kernel];

  const compute = tf.customGrad((...args) => {
    const save = args.at(-1) as GradSaveFunc;
    const cell = createCell(tf, layer, kernel, candidateBias);
    const xs = steps(projected);
    const living = alive && steps(alive);
    const walked: (Stepped & { entering: Tensor3D; before: Tensor3D[] })[] = [];
    let states: readonly Tensor3D[] = initial.map((state) => tf.expandDims(state, 0) as Tensor3D);
    for (const [s, x] of xs.entries()) {
      const step = tf.tidy(() => {
        const lives = living?.[s];
        const before = lives ? states.map((state) => tf.mul(state, lives) as Tensor3D) : [...states];
        const entering = drop(before[0] as Tensor3D, dropped);
        const { after, kept } = cell.forward(x, entering, before);
        return { after, kept, entering, before } as unknown as Tensor; // a container of tensors, as tidy takes
      }) as unknown as (typeof walked)[number];
      walked.push(step);
      states = step.after;
    }
    const join = (pick: (step: (typeof walked)[number]) => readonly Tensor3D[]): Tensor4D[] =>
      pick(walked[0] as (typeof walked)[number]).map(
        (_, k) => tf.stack(walked.map((step) => pick(step)[k] as Tensor3D)) as Tensor4D,
      );
    const before = join((step) => step.before);
    const kept = join((step) => step.kept);
    const entering = dropped ? join((step) => [step.entering])[0] : before[0];
    const value = tf.concat3d(
      walked.map(({ after }) => after[0] as Tensor3D),
      0,
    );
    save([entering as Tensor4D, ...before, ...kept, ...parts.slice(1), ...(dropped ? [dropped] : [])]);

    return {
      value,
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const take = (count: number) => saved.splice(0, count);
        const own = [...saved];
        saved = own;
        const [savedEntering] = take(1) as [Tensor4D];
        const trace: Trace = {
          entering: savedEntering,
          before: take(before.length) as Tensor4D[],
          kept: take(kept.length) as Tensor4D[],
        };
        const [savedKernel, savedBias] = take(parts.length - 1) as [Tensor3D, Tensor3D?];
        const [savedDropped] = take(1) as [Tensor3D?];
        const cellBack = createCell(tf, layer, savedKernel, savedBias);
        const factors = cellBack.factors(trace).map(steps);
        const outer = tf.split(dy, time) as Tensor3D[];
        const collected: Tensor3D[] = [];
        let gradients: readonly Tensor3D[] = initial.map(() => tf.zeros([1, batch, units]) as Tensor3D);
        for (let s = time - 1; s >= 0; s--) {
          const back = tf.tidy(() => {
            const [dh, ...others] = gradients as [Tensor3D, ...Tensor3D[]];
            const own = factors.map((factor) => factor[s] as Tensor3D);
            const given = cellBack.backward(own, [tf.add(dh, outer[s] as Tensor3D), ...others]);
            const [passing, ...rest] = given.before;
            const through = drop(given.entering, savedDropped);
            return {
              collected: given.collected,
              gradients: [passing ? tf.add(passing, through) : through, ...rest],
            } as unknown as Tensor;
          }) as unknown as { collected: Tensor3D; gradients: Tensor3D[] };
          collected[s] = back.collected;
          gradients = back.gradients;
        }
        const { inputs, kernel, candidateBias } = cellBack.finish(trace, tf.stack(collected) as Tensor4D);
        return candidateBias ? [inputs, kernel, candidateBias] : [inputs, kernel];
      },
    };
  });
  return compute(...parts) as Tensor3D;
}
