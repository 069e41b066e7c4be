/**
 * An LSTM with its default activations as one operation of TensorFlow's native library, and its gradient as another:
 * BlockLSTMV2 and BlockLSTMGradV2. Gates are in Keras' order.
 */
import type { Tensor, Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import type { Tensorflow } from '../backend.ts';
import type { NativeOps } from '../native.ts';
import { withGradient } from './with-gradient.ts';

export interface BlockLstm {
  /** Inputs in the order of reading, [time, batch, features]. */
  readonly x: Tensor3D;
  /** Kernel over recurrent kernel, [features + units, 4 · units]. */
  readonly kernel: Tensor2D;
  /** [4 · units] */
  readonly bias: Tensor1D;
  /** Hidden and cell state before the first step, [batch, units] each. */
  readonly initial: readonly Tensor2D[];
  /** Whether the cell states are a result too. */
  readonly withCell: boolean;
}

/** The hidden state after each step, [time, batch, units], and with `withCell` the cell state. */
export function blockLstm(tf: Tensorflow, native: NativeOps, lstm: BlockLstm): Tensor3D[] {
  const { x, kernel, bias, initial, withCell } = lstm;
  const [time] = x.shape;
  const units = (bias.shape[0] as number) / 4;
  const given: Tensor[] = [x, kernel, bias, ...initial];

  /** What both operations begin with; there are no peepholes, but their places want a tensor. */
  const operands = ([x, kernel, bias, hidden, carry]: readonly Tensor[]): Tensor[] => {
    const peephole = tf.zeros([units]);
    return [native.int64(time), x, carry, hidden, kernel, peephole, peephole, peephole, bias] as Tensor[];
  };

  return withGradient(tf, given, () => {
    const attributes = { cell_clip: 0, use_peephole: false, T: 'float32' } as const;
    const outputs = native.run('BlockLSTMV2', attributes, operands(given), 7); // i, cs, f, o, ci, co, h
    const [, carry, , , , , hidden] = outputs as Tensor[];
    return {
      results: withCell ? [hidden as Tensor, carry as Tensor] : [hidden as Tensor],
      kept: [...given, ...outputs],
      gradient: ([dHidden, dCarry], kept) => {
        const attributes = { use_peephole: false, T: 'float32' } as const;
        const ofCarry = dCarry ?? tf.zerosLike(dHidden as Tensor);
        const all = [...operands(kept.slice(0, 5)), ...kept.slice(5), ofCarry, dHidden as Tensor];
        const [dx, dFirstCarry, dFirstHidden, dKernel, , , , dBias] = native.run('BlockLSTMGradV2', attributes, all, 8);
        return [dx, dKernel, dBias, dFirstHidden, dFirstCarry] as Tensor[];
      },
    };
  }) as Tensor3D[];
}
