/** What is used of TensorFlow.js' own recurrent layers: their classes are not exported, and their types hide the cell. */
import type { Tensor2D } from '@tensorflow/tfjs-core';
import type { LayerVariable, RNN } from '@tensorflow/tfjs-layers';
import type { Tensorflow } from '../backend.ts';

export type Kind = 'simpleRNN' | 'lstm' | 'gru';
export type Arguments<K extends Kind | 'embedding'> = Parameters<Tensorflow['layers'][K]>[0];

export interface TensorflowCell {
  readonly units: number;
  readonly activation: { getClassName(): string };
  /** Not of a SimpleRNN. */
  readonly recurrentActivation?: { getClassName(): string };
  readonly dropout: number;
  readonly recurrentDropout: number;
  readonly dropoutFunc: unknown;
  readonly kernel: LayerVariable;
  readonly recurrentKernel: LayerVariable;
  readonly bias: LayerVariable | null;
}

export interface TensorflowRnn extends RNN {
  readonly cell: RNN['cell'] & TensorflowCell;
  readonly returnSequences: boolean;
  readonly returnState: boolean;
  readonly goBackwards: boolean;
}

export interface CallArguments {
  readonly mask?: Tensor2D | null;
  readonly training?: boolean | null;
  readonly initialState?: Tensor2D[] | null;
}

export interface RnnClass {
  new (args: object): TensorflowRnn;
  readonly className: string;
  readonly fromConfig: Tensorflow['layers']['Layer']['fromConfig'];
}

/** The class behind `tf.layers.lstm` and its like: with a name, so that the numbers of default names stay as they are. */
export function classOf(tf: Tensorflow, kind: Kind): RnnClass {
  return tf.layers[kind]({ units: 1, name: kind }).constructor as unknown as RnnClass;
}
