import type { BidirectionalLayer, RecurrentLayer } from '../../models/layers.ts';
import type { GraphBuilder } from '../graph/builder.ts';
import type { Value } from '../graph/graph.ts';
import { gruNode } from './gru.ts';
import type { Lowering } from './lowering.ts';
import { lstmNode } from './lstm.ts';
import { addRecurrentNode, type RecurrentNode } from './recurrent.ts';
import { simpleRnnNode } from './simple-rnn.ts';

/** One node reads both ways; the merged output is [time, batch, features] or [batch, features]. */
export const lowerBidirectional: Lowering<'bidirectional'> = ({ g, layer, weights, input }) => {
  const [forward, backward] = addRecurrentNode(g, {
    layer: layer.layer,
    node: nodeOf(layer.layer),
    direction: 'bidirectional',
    prefixes: [`${layer.name}/forward`, `${layer.name}/backward`],
    weights,
    input,
  }) as [Value, Value];
  const value = merge(g, layer.mergeMode, forward, backward);
  return layer.layer.returnSequences ? { value, counts: input.counts } : { value };
};

function nodeOf(layer: RecurrentLayer): RecurrentNode {
  switch (layer.type) {
    case 'simpleRnn':
      return simpleRnnNode(layer);
    case 'lstm':
      return lstmNode(layer);
    case 'gru':
      return gruNode(layer);
  }
}

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
