/** Products and sums that the builder has no short form for. */
import { float, type GraphBuilder } from '../../../../../exporters/graph/builder.ts';
import type { Value } from '../../../../../exporters/graph/graph.ts';

const plain = { alpha: float(1), beta: float(1), transA: 0, transB: 0 } as const;

/** x·y + added, where `added` may be one row or one column. */
export function affine(g: GraphBuilder, x: Value, y: Value, added?: Value): Value {
  return added === undefined ? g.matmul(x, y) : g.node('Gemm', [x, y, added], plain);
}

/** xᵀ·y */
export function transposedProduct(g: GraphBuilder, x: Value, y: Value): Value {
  return g.node('Gemm', [x, y], { ...plain, transA: 1 });
}

/** x·yᵀ */
export function productTransposed(g: GraphBuilder, x: Value, y: Value): Value {
  return g.node('Gemm', [x, y], { ...plain, transB: 1 });
}

/** [time, rows, features] → [time · rows, features] */
export function flatten(g: GraphBuilder, x: Value, features: number): Value {
  return g.node('Reshape', [x, g.int64([-1, features])]);
}

/** Parts of `x` along `axis`, of the sizes given. */
export function split<const S extends readonly number[]>(g: GraphBuilder, x: Value, axis: number, sizes: S) {
  const parts = g.nodes(
    'Split',
    [x, g.int64(sizes)],
    { axis },
    sizes.map(() => true),
  );
  return parts as { readonly [K in keyof S]: Value };
}

/** The sum of what there is. */
export function sumOf(g: GraphBuilder, x: Value | undefined, y: Value | undefined): Value | undefined {
  if (x === undefined || y === undefined) return x ?? y;
  return g.add(x, y);
}
