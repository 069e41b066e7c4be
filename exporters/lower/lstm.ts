import type { LayerOf } from '../../models/layers.ts';
import type { Lowering } from './lowering.ts';
import { lowerOneDirection, type RecurrentNode } from './recurrent.ts';

export const lowerLstm: Lowering<'lstm'> = (context) => lowerOneDirection(context, lstmNode(context.layer));

/** ONNX has three activations: of the gates, of the candidate cell, and of the cell on its way out. */
export function lstmNode({ activation, recurrentActivation }: LayerOf<'lstm'>): RecurrentNode {
  return {
    op: 'LSTM',
    activations: [recurrentActivation, activation, activation],
    attributes: { input_forget: 0 },
  };
}
