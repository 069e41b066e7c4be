/**
 * The weights of one direction of a recurrent layer, gate by gate. The step could do with one product for all gates
 * and split the result, but slicing columns is the slowest thing that TensorFlow.js' cpu backend does: an LSTM of
 * 16 units took four times as long that way.
 */
import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import type { RecurrentLayer } from '../../../../../models/layers.ts';
import { gates, recurrentParameters } from '../../../../../models/plan.ts';
import type { Tensorflow } from '../backend.ts';

export interface WeightShape {
  /** `kernel`, `recurrent_kernel` or `bias`. */
  readonly name: string;
  readonly shape: number[];
}

/** In the order of the plan: kernel, recurrent kernel and, if there is one, bias. */
export function weightShapes(layer: RecurrentLayer, features: number): WeightShape[] {
  return recurrentParameters(layer, features, layer.name).map(({ name, shape }) => ({
    name: name.slice(layer.name.length + 1),
    shape: [...shape],
  }));
}

export interface GateWeights {
  /** [features, units] */
  readonly kernel: Tensor2D;
  /** [units, units] */
  readonly recurrentKernel: Tensor2D;
  /** Added to the inputs' product, [units]. */
  readonly bias: Tensor1D | undefined;
  /** Added to the recurrent product, [units]. */
  readonly recurrentBias: Tensor1D | undefined;
}

/** @param values in the order of `weightShapes`. Call inside `tf.tidy`. */
export function splitGates(tf: Tensorflow, layer: RecurrentLayer, values: readonly Tensor[]): GateWeights[] {
  const count = gates[layer.type];
  const [kernel, recurrentKernel, bias] = values as [Tensor2D, Tensor2D, Tensor?];
  const [inputBias, recurrentBias] = layer.bias === 'double' ? tf.unstack(bias as Tensor2D) : [bias];
  const columns = (matrix: Tensor2D): Tensor2D[] => tf.split(matrix, count, 1);
  const parts = (vector: Tensor | undefined): Tensor1D[] => (vector ? tf.split(vector as Tensor1D, count) : []);
  const recurrentKernels = columns(recurrentKernel);
  const biases = parts(inputBias);
  const recurrentBiases = parts(recurrentBias);
  return columns(kernel).map((gateKernel, gate) => ({
    kernel: gateKernel,
    recurrentKernel: recurrentKernels[gate] as Tensor2D,
    bias: biases[gate],
    recurrentBias: recurrentBiases[gate],
  }));
}
