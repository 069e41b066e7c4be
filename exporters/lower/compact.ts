/**
 * Masks, exactly. ONNX' recurrent operators know only `sequence_lens`, counted from the front, while zeros may stand
 * before, between or after the words. So the ids are compacted once, at the front of the graph: the valid steps move
 * to the front and keep their order, and every layer above reads as many of them as there are. Nothing has to be put
 * back, as no layer gives single steps out: the model ends in last states or in pooling, which know no positions.
 */
import type { GraphBuilder } from '../graph/builder.ts';
import type { Value } from '../graph/graph.ts';

/**
 * @param ids int32, [batch, time]
 * @returns the compacted ids and how many of each row are valid: int32, [batch]
 */
export function compact(g: GraphBuilder, ids: Value): { readonly ids: Value; readonly counts: Value } {
  const valid = g.not(g.equal(ids, g.int32(0))); // [batch, time]
  const counts = g.sum(g.cast(valid, 'int32'), 1); // [batch]

  const size = g.gather(g.shape(ids), g.int64([1]), 0); // [1]: time
  const time = g.squeeze(size, 0);
  const position = g.node('Range', [g.int64(0), time, g.int64(1)]); // [time]
  const key = g.where(valid, position, g.add(position, time)); // [batch, time]: the zeros come last
  const [, order] = g.nodes('TopK', [key, size], { axis: 1, largest: 0, sorted: 1 }, [true, true]) as [Value, Value];
  return { ids: g.node('GatherElements', [ids, order], { axis: 1 }), counts };
}
