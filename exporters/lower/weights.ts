import type { Tensor, Weights } from '../../models/weights.ts';
import { fail } from '../../src/core/errors.ts';
import type { GraphBuilder } from '../graph/builder.ts';
import type { Value } from '../graph/graph.ts';

/** A weight that the plan lists. */
export function weightOf(weights: Weights, name: string): Tensor {
  return weights.get(name) ?? fail('WEIGHTS_INVALID', `weight ${name} is missing`, 'Use the weights of this spec.');
}

/** Stores a weight as it is. */
export function store(g: GraphBuilder, name: string, { shape, data }: Tensor): Value {
  return g.initialiser(name, { dataType: 'float32', dims: shape, data });
}
