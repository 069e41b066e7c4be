import type { Lowering } from './lowering.ts';
import { store, weightOf } from './weights.ts';

/** ids [time, batch] → rows of the table [time, batch, features] */
export const lowerEmbedding: Lowering<'embedding'> = ({ g, layer, weights, input }) => {
  const table = store(g, 'embeddings', weightOf(weights, `${layer.name}/embeddings`)); // [ids, features]
  return { ...input, value: g.gather(table, input.value, 0) };
};
