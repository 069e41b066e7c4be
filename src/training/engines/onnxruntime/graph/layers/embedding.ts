/** Embedding: the rows of the batch's different ids, once each. */
import type { LayerOf } from '../../../../../../models/layers.ts';
import type { Pass } from '../pass.ts';
import type { EmbeddedSequence, Forwarded } from '../signal.ts';

export function embedding(pass: Pass, layer: LayerOf<'embedding'>): Forwarded<EmbeddedSequence> {
  const name = `${layer.name}/embeddings`;
  return {
    output: { kind: 'embedded', features: layer.outputDim, table: pass.rowsOf(name) },
    backward: (gradient) => {
      pass.gradient(name, gradient);
      return undefined;
    },
  };
}
