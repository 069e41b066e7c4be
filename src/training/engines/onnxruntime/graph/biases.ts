/**
 * The bias of a recurrent layer. A double one is the sum of its halves, but where the reset gate of a GRU acts on the
 * second half.
 */
import type { Value } from '../../../../../exporters/graph/graph.ts';
import type { RecurrentLayer } from '../../../../../models/layers.ts';
import type { CellGradients } from './cells/cell.ts';
import type { Pass } from './pass.ts';

/** What is added to x·W, [gates · units]. */
export function inputBias(pass: Pass, layer: RecurrentLayer, prefix: string): Value | undefined {
  if (layer.bias === 'none') return undefined;
  const { g } = pass;
  const bias = pass.weight(`${prefix}/bias`);
  if (layer.bias === 'single') return bias;
  return resetsRecurrentBias(layer) ? g.gather(bias, g.int64(0), 0) : g.sum(bias, 0);
}

export function declareBiasGradient(pass: Pass, layer: RecurrentLayer, prefix: string, gradients: CellGradients): void {
  if (layer.bias === 'none') return;
  const { g } = pass;
  const name = `${prefix}/bias`;
  const input = g.sum(gradients.input, 0);
  if (layer.bias === 'single') {
    pass.gradient(name, input);
    return;
  }
  const recurrent = resetsRecurrentBias(layer) ? g.sum(gradients.recurrent, 0) : input;
  pass.gradient(name, g.concat([g.unsqueeze(input, 0), g.unsqueeze(recurrent, 0)], 0));
}

function resetsRecurrentBias(layer: RecurrentLayer): boolean {
  return layer.type === 'gru' && layer.resetAfter;
}
