/**
 * A recurrent layer as one operation of cuDNN, and its gradient as another: TensorFlow's CudnnRNNV3 and
 * CudnnRNNBackpropV3, which run on a GPU only. `cudnn-proof.ts` decides whether a device is trusted with them.
 *
 * The third version, though every row has all steps: without sequence lengths, as in the first two, TensorFlow calls
 * functions that cuDNN 9 no longer has.
 */
import type { Tensor, Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import type { RecurrentLayer } from '../../../../../models/layers.ts';
import type { Tensorflow } from '../backend.ts';
import type { NativeOps } from '../native.ts';
import { withGradient } from './with-gradient.ts';

/** What cuDNN calls a layer. */
export type CudnnMode = 'rnn_tanh' | 'rnn_relu' | 'lstm' | 'gru';

/**
 * @param masked cuDNN reads on behind the end of a row, where states of relu may overflow
 * @returns undefined for a layer that cuDNN does not have
 */
export function cudnnMode(layer: RecurrentLayer, masked: boolean): CudnnMode | undefined {
  if (layer.recurrentDropout > 0) return undefined;
  if (layer.type === 'simpleRnn') {
    if (layer.activation === 'tanh') return 'rnn_tanh';
    return layer.activation === 'relu' && !masked ? 'rnn_relu' : undefined;
  }
  if (layer.activation !== 'tanh' || layer.recurrentActivation !== 'sigmoid') return undefined;
  return layer.type === 'lstm' || layer.resetAfter ? layer.type : undefined;
}

export interface CudnnRnn {
  readonly mode: CudnnMode;
  /** Inputs in the order of reading, [time, batch, features]. */
  readonly x: Tensor3D;
  /** Kernel, recurrent kernel and, if there is one, bias. */
  readonly weights: readonly Tensor[];
  /** States before the first step, the hidden one first, [batch, units] each. */
  readonly initial: readonly Tensor2D[];
  /** Whether the gradient will be asked for: without, cuDNN keeps nothing for it. */
  readonly training: boolean;
}

/** The hidden state after each step, [time, batch, units]. */
export function cudnnRnn(
  tf: Tensorflow,
  native: NativeOps,
  { mode, x, weights, initial, training }: CudnnRnn,
): Tensor3D {
  const [time, batch] = x.shape;
  const attributes = { T: 'float32', rnn_mode: { text: mode } } as const;
  const ofOneLayer = initial.map((state) => tf.expandDims(state, 0));

  /** What both operations begin with. Only an LSTM has a cell state; its place wants a tensor. */
  const operands = ([x, params, hidden, cell = tf.scalar(0)]: readonly Tensor[]): Tensor[] => {
    const lengths = tf.tensor1d(new Int32Array(batch).fill(time), 'int32');
    return [x, hidden, cell, params, lengths] as Tensor[];
  };

  const given = [x, cudnnParams(tf, mode, weights), ...ofOneLayer];
  const [hidden] = withGradient(tf, given, () => {
    const forward = { ...attributes, is_training: training };
    const outputs = native.run('CudnnRNNV3', forward, operands(given), 5);
    return {
      results: outputs.slice(0, 1),
      kept: [...given, ...outputs],
      gradient: ([dHidden], kept) => {
        const inputs = kept.slice(0, given.length);
        const [hidden, lastHidden, lastCell, ...reserved] = kept.slice(given.length) as [Tensor, Tensor, Tensor];
        const ofOutputs = [dHidden as Tensor, tf.zerosLike(lastHidden), tf.zerosLike(lastCell)];
        const all = [...operands(inputs), hidden, lastHidden, lastCell, ...ofOutputs, ...reserved];
        const [dx, dFirstHidden, dFirstCell, dParams] = native.run('CudnnRNNBackpropV3', attributes, all, 4);
        return [dx, dParams, dFirstHidden, dFirstCell].slice(0, given.length) as Tensor[];
      },
    };
  });
  return hidden as Tensor3D;
}

/**
 * The weights in one row, as cuDNN has them: kernels of all gates, recurrent kernels of all gates, each [units, in];
 * biases of the inputs' products, then of the states'. Gates stand in Keras' order, but for a GRU, whose reset gate comes
 * first. As TensorFlow.js puts them there, its tape takes their gradient apart again.
 *
 * @see https://docs.nvidia.com/deeplearning/cudnn/backend/latest/api/cudnn-adv-library.html#cudnngetrnnweightparams
 */
export function cudnnParams(tf: Tensorflow, mode: CudnnMode, weights: readonly Tensor[]): Tensor1D {
  const [kernel, recurrentKernel, bias] = weights as [Tensor2D, Tensor2D, Tensor?];
  const width = kernel.shape[1];
  const inOrder = (columns: Tensor2D): Tensor2D => {
    if (mode !== 'gru') return columns;
    const [update, reset, candidate] = tf.split(columns, 3, 1) as [Tensor2D, Tensor2D, Tensor2D];
    return tf.concat2d([reset, update, candidate], 1);
  };
  const parts = [
    tf.transpose(inOrder(kernel)),
    tf.transpose(inOrder(recurrentKernel)),
    inOrder(biases(tf, width, bias)),
  ];
  return tf.concat1d(parts.map((part) => tf.reshape(part, [part.size])));
}

/** [2, width]: cuDNN has two; a lone one is that of the inputs' products. */
function biases(tf: Tensorflow, width: number, bias: Tensor | undefined): Tensor2D {
  if (!bias) return tf.zeros([2, width]);
  if (bias.rank === 2) return bias as Tensor2D;
  return tf.stack([bias, tf.zeros([width])]) as Tensor2D;
}
