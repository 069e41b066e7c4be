/** SimpleRNN, LSTM and GRU in one direction. */
import type { RecurrentLayer } from '../../../../../../models/layers.ts';
import { dropoutStream } from '../../../../dropout.ts';
import type { Pass } from '../pass.ts';
import { recur } from '../recurrence.ts';
import type { DenseSequence, Forwarded, Sequence, Vector } from '../signal.ts';

export function recurrent(
  pass: Pass,
  layer: RecurrentLayer,
  layerIndex: number,
  input: Sequence,
): Forwarded<DenseSequence | Vector> {
  return recur(pass, layer, layer.name, input, {
    direction: layer.goBackwards ? 'backward' : 'forward',
    outputOrder: 'reading',
    stream: dropoutStream(layerIndex),
  });
}
