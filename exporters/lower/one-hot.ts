/**
 * One-hot vectors are not written down where that can be helped: their product with a kernel is a row of the kernel.
 * So the ids flow on as they are, and a recurrent layer looks the rows up; only pooling needs the vectors themselves.
 */
import type { GraphBuilder } from '../graph/builder.ts';
import type { Tensor, Value } from '../graph/graph.ts';
import type { Flow, Lowering } from './lowering.ts';

/** ids [time, batch] → the same, standing for [time, batch, depth] */
export const lowerOneHot: Lowering<'oneHot'> = ({ layer, input }) => ({ ...input, oneHotDepth: layer.depth });

/** The sequence [time, batch, features] that flows: one-hot vectors are made at run time. */
export function sequenceOf(g: GraphBuilder, { value, oneHotDepth }: Flow): Value {
  if (oneHotDepth === undefined) return value;
  return g.node('OneHot', [value, g.int32(oneHotDepth), g.float32([0, 1])], { axis: -1 });
}

/**
 * What a recurrent node takes for X and W. For one-hot vectors that are wider than its gates, X is the rows of the
 * kernel for all gates and directions, and what is left of W picks those of its own direction.
 *
 * @param W [directions, width, features]
 * @returns X [time, batch, in] and W [directions, width, in]
 */
export function recurrentInput(g: GraphBuilder, input: Flow, W: Tensor): { readonly X: Value; readonly W: Tensor } {
  const [sets, width, depth] = W.dims as [number, number, number];
  const all = sets * width;
  if (input.oneHotDepth === undefined || depth <= all) return { X: sequenceOf(g, input), W };
  const rows = new Float32Array(depth * all); // [depth, directions·width]
  const pick = new Float32Array(all * all); // [directions, width, directions·width]
  for (let column = 0; column < all; column++) {
    for (let id = 0; id < depth; id++) rows[id * all + column] = W.data[column * depth + id] as number;
    pick[column * all + column] = 1;
  }
  const kernel = g.initialiser('kernel', { dataType: 'float32', dims: [depth, all], data: rows });
  return { X: g.gather(kernel, input.value, 0), W: { dataType: 'float32', dims: [sets, width, all], data: pick } };
}
