/**
 * An LSTM with its default activations as one operation of TensorFlow's native library, and its gradient as another:
 * BlockLSTMV2 and BlockLSTMGradV2. Gates are in Keras' order.
 */
import type { GradSaveFunc, Tensor, Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import type { Tensorflow } from '../backend.ts';
import type { NativeOps } from '../native.ts';

/**
 * The hidden state after each step, [time, batch, units].
 *
 * @param x inputs in the order of reading, [time, batch, features]
 * @param kernel kernel over recurrent kernel, [features + units, 4 · units]
 * @param bias [4 · units]
 * @param initial hidden and cell state before the first step, [batch, units] each
 */
export function blockLstm(
  tf: Tensorflow,
  native: NativeOps,
  x: Tensor3D,
  kernel: Tensor2D,
  bias: Tensor1D,
  initial: readonly Tensor2D[],
): Tensor3D {
  const [time] = x.shape;
  const units = (bias.shape[0] as number) / 4;

  /** What both operations begin with; there are no peepholes, but their places want a tensor. */
  const inputs = ([x, kernel, bias, hidden, carry]: readonly Tensor[]): Tensor[] => {
    const peephole = tf.zeros([units]);
    return [native.int64(time), x, carry, hidden, kernel, peephole, peephole, peephole, bias] as Tensor[];
  };

  const compute = tf.customGrad((...args) => {
    const save = args.at(-1) as GradSaveFunc;
    const given: Tensor[] = [x, kernel, bias, ...initial];
    const attributes = { cell_clip: 0, use_peephole: false, T: 'float32' } as const;
    const outputs = native.run('BlockLSTMV2', attributes, inputs(given), 7); // i, cs, f, o, ci, co, h
    save([...given, ...outputs]);
    return {
      value: outputs[6] as Tensor,
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const attributes = { use_peephole: false, T: 'float32' } as const;
        const noCellGradient = tf.zerosLike(dy);
        const all = [...inputs(saved.slice(0, 5)), ...saved.slice(5), noCellGradient, dy];
        const [dx, , , dKernel, , , , dBias] = native.run('BlockLSTMGradV2', attributes, all, 8);
        return [dx, dKernel, dBias] as Tensor[];
      },
    };
  });
  return compute(x, kernel, bias) as Tensor3D;
}
