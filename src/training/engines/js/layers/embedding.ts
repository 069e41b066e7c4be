/** Embedding: the rows of the batch's unique ids, once each. */
import type { LayerOf } from '../../../../../models/layers.ts';
import type { Pass } from '../pass.ts';
import type { EmbeddedSequence, Forwarded, Ids } from '../signal.ts';

export function embedding(pass: Pass, layer: LayerOf<'embedding'>, { ids }: Ids): Forwarded<EmbeddedSequence> {
  const { outputDim: features } = layer;
  const name = `${layer.name}/embeddings`;
  const weights = pass.weight(name); // [inputDim, outputDim]
  const unique = Int32Array.from(new Set(ids));
  const rowOf = new Map(Array.from(unique, (id, row) => [id, row]));
  const table = new Float32Array(unique.length * features);
  unique.forEach((id, row) => {
    table.set(weights.subarray(id * features, (id + 1) * features), row * features);
  });
  const output: EmbeddedSequence = {
    kind: 'embedded',
    features,
    table,
    gradient: new Float32Array(table.length),
    index: ids.map((id) => rowOf.get(id) as number),
  };
  function backward(): void {
    const gradient = pass.gradient(name);
    unique.forEach((id, row) => {
      for (let j = 0; j < features; j++) {
        const at = id * features + j;
        gradient[at] = (gradient[at] as number) + (output.gradient[row * features + j] as number);
      }
    });
  }
  return { output, backward };
}
