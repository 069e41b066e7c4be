import type { Activation } from '../../models/activations.ts';
import type { RecurrentLayer } from '../../models/layers.ts';
import type { AttributeInput } from '../graph/builder.ts';
import type { RecurrentOperator } from '../graph/recurrent.ts';

/** What makes a node of one kind. */
export interface RecurrentNode {
  readonly op: RecurrentOperator;
  /** Of one direction, in ONNX' order. */
  readonly activations: readonly Activation[];
  readonly attributes: Readonly<Record<string, AttributeInput>>;
}

export function nodeOf(layer: RecurrentLayer): RecurrentNode {
  switch (layer.type) {
    case 'simpleRnn':
      return { op: 'RNN', activations: [layer.activation], attributes: {} };
    case 'lstm':
      return {
        op: 'LSTM',
        activations: [layer.recurrentActivation, layer.activation, layer.activation], // gates, candidate, cell on its way out
        attributes: { input_forget: 0 },
      };
    case 'gru':
      return {
        op: 'GRU',
        activations: [layer.recurrentActivation, layer.activation],
        attributes: { linear_before_reset: layer.resetAfter ? 1 : 0 },
      };
  }
}
