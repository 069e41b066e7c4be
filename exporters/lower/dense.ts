import type { LayerOf } from '../../models/layers.ts';
import type { Weights } from '../../models/weights.ts';
import { float, type GraphBuilder } from '../graph/builder.ts';
import type { Value } from '../graph/graph.ts';
import type { Lowering } from './lowering.ts';
import { store, weightOf } from './weights.ts';

export type DenseActivation = LayerOf<'dense'>['activation'];

/** [batch, in] → [batch, units] */
export const lowerDense: Lowering<'dense'> = ({ g, layer, weights, input }) => ({
  value: activate(g, layer.activation, lowerAffine(g, layer, weights, input.value)),
});

/** x·kernel + bias, before the activation. */
export function lowerAffine(g: GraphBuilder, layer: LayerOf<'dense'>, weights: Weights, x: Value): Value {
  const kernel = store(g, 'kernel', weightOf(weights, `${layer.name}/kernel`)); // [in, units]
  const bias = layer.useBias ? [store(g, 'bias', weightOf(weights, `${layer.name}/bias`))] : [];
  return g.node('Gemm', [x, kernel, ...bias], { alpha: float(1), beta: float(1), transA: 0, transB: 0 });
}

/** @param x [batch, units] */
export function activate(g: GraphBuilder, activation: DenseActivation, x: Value): Value {
  switch (activation) {
    case 'linear':
      return x;
    case 'sigmoid':
      return g.sigmoid(x);
    case 'tanh':
      return g.tanh(x);
    case 'relu':
      return g.relu(x);
    case 'softmax':
      return g.softmax(x, 1);
  }
}
