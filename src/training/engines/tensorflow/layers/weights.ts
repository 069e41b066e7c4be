/** The weights of one direction of a recurrent layer, as its cell uses them. */
import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import type { RecurrentLayer } from '../../../../../models/layers.ts';
import { recurrentParameters } from '../../../../../models/plan.ts';
import type { Tensorflow } from '../backend.ts';
import type { RecurrentTensors } from './cells.ts';

export interface WeightShape {
  /** Inside the layer, e.g. `forward/kernel`. */
  readonly name: string;
  readonly shape: number[];
}

/** Kernel, recurrent kernel and, if there is one, bias. */
export function weightShapes(layer: RecurrentLayer, features: number, prefix: string): WeightShape[] {
  return recurrentParameters(layer, features, prefix).map(({ name, shape }) => ({
    name: name.replace(/^\//, ''),
    shape: [...shape],
  }));
}

/** @param values in the order of `weightShapes`. Call inside `tf.tidy`. */
export function recurrentTensors(tf: Tensorflow, layer: RecurrentLayer, values: readonly Tensor[]): RecurrentTensors {
  const [kernel, recurrentKernel, bias] = values as [Tensor2D, Tensor2D, Tensor?];
  const weights = { kernel, recurrentKernel, bias: undefined, recurrentBias: undefined };
  if (layer.bias === 'none') return weights;
  if (layer.bias === 'single') return { ...weights, bias: bias as Tensor1D };
  const [inputBias, recurrentBias] = tf.unstack(bias as Tensor2D) as [Tensor1D, Tensor1D];
  return layer.type === 'gru' && layer.resetAfter
    ? { ...weights, bias: inputBias, recurrentBias }
    : { ...weights, bias: tf.add(inputBias, recurrentBias) };
}
