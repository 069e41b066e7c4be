/** How a recurrent layer is walked, beyond its own options. */
import type { RecurrentLayer } from '../../../models/layers.ts';
import { dropoutStream } from '../dropout.ts';

export interface Walk {
  readonly direction: 'forward' | 'backward';
  /** Order of the outputs of all steps: `reading` is Keras' for goBackwards, `time` that of bidirectional. */
  readonly outputOrder: 'reading' | 'time';
  /** Of the dropout masks. */
  readonly stream: number;
}

/** Of a layer that stands alone. */
export function walkOf({ goBackwards }: RecurrentLayer, layerIndex: number): Walk {
  return {
    direction: goBackwards ? 'backward' : 'forward',
    outputOrder: 'reading',
    stream: dropoutStream(layerIndex),
  };
}

/** Of a layer inside a bidirectional one. */
export function walkInside(direction: Walk['direction'], layerIndex: number): Walk {
  return { direction, outputOrder: 'time', stream: dropoutStream(layerIndex, direction) };
}
