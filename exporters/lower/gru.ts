import type { LayerOf } from '../../models/layers.ts';
import type { Lowering } from './lowering.ts';
import { lowerOneDirection, type RecurrentNode } from './recurrent.ts';

export const lowerGru: Lowering<'gru'> = (context) => lowerOneDirection(context, gruNode(context.layer));

export function gruNode({ activation, recurrentActivation, resetAfter }: LayerOf<'gru'>): RecurrentNode {
  return {
    op: 'GRU',
    activations: [recurrentActivation, activation],
    attributes: { linear_before_reset: resetAfter ? 1 : 0 },
  };
}
