import type { BidirectionalLayer } from '../../models/layers.ts';
import type { GraphBuilder } from '../graph/builder.ts';
import type { Value } from '../graph/graph.ts';
import type { Lowering } from './lowering.ts';
import { addRecurrentNode } from './recurrent.ts';

/** One node reads both ways; the merged output is [time, batch, features] or [batch, features]. */
export const lowerBidirectional: Lowering<'bidirectional'> = ({ g, layer, weights, input }) => {
  const [forward, backward] = addRecurrentNode(g, {
    layer: layer.layer,
    direction: 'bidirectional',
    prefixes: [`${layer.name}/forward`, `${layer.name}/backward`],
    weights,
    input,
  }) as [Value, Value];
  const value = merge(g, layer.mergeMode, forward, backward);
  return layer.layer.returnSequences ? { value, counts: input.counts } : { value };
};

function merge(g: GraphBuilder, mode: BidirectionalLayer['mergeMode'], forward: Value, backward: Value): Value {
  switch (mode) {
    case 'concat':
      return g.concat([forward, backward], -1);
    case 'sum':
      return g.add(forward, backward);
    case 'mul':
      return g.mul(forward, backward);
    case 'ave':
      return g.mul(g.add(forward, backward), g.float32(0.5));
  }
}
