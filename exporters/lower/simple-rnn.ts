import type { LayerOf } from '../../models/layers.ts';
import type { Lowering } from './lowering.ts';
import { lowerOneDirection, type RecurrentNode } from './recurrent.ts';

export const lowerSimpleRnn: Lowering<'simpleRnn'> = (context) =>
  lowerOneDirection(context, simpleRnnNode(context.layer));

export function simpleRnnNode({ activation }: LayerOf<'simpleRnn'>): RecurrentNode {
  return { op: 'RNN', activations: [activation], attributes: {} };
}
