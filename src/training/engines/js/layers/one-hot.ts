/** One-hot: nothing is computed; the layer above looks up rows of its kernel. */
import type { LayerOf } from '../../../../../models/layers.ts';
import type { Forwarded, Ids, OneHotSequence } from '../signal.ts';

export function oneHot(layer: LayerOf<'oneHot'>, { ids }: Ids): Forwarded<OneHotSequence> {
  return { output: { kind: 'oneHot', features: layer.depth, index: ids, scale: undefined }, backward: () => {} };
}
