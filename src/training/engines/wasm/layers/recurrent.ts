/** SimpleRNN, LSTM and GRU in one direction. */
import type { RecurrentLayer } from '../../../../../models/layers.ts';
import { dropoutStream } from '../../../dropout.ts';
import { recur } from '../recurrence.ts';
import type { DenseSequence, Sequence, Stage, Vector } from '../signal.ts';
import type { Workspace } from '../workspace.ts';

export function recurrent(
  workspace: Workspace,
  layer: RecurrentLayer,
  layerIndex: number,
  input: Sequence,
): Stage<DenseSequence | Vector> {
  return recur(workspace, layer, layer.name, input, {
    direction: layer.goBackwards ? 'backward' : 'forward',
    outputOrder: 'reading',
    maskedOutput: 'repeat',
    stream: dropoutStream(layerIndex),
  });
}
