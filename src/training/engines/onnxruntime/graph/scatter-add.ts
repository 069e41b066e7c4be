import type { Value } from '../../../../../exporters/graph/graph.ts';
import type { Pass } from './pass.ts';

/**
 * Adds the gradients of positions up by the id that stands there.
 * onnxruntime's ScatterND add races in sessions of more than one thread: where an id repeats, sums come out wrong.
 *
 * @param like [unique, width]: what the result is shaped as
 * @param gradient [time · rows, width]
 */
export function scatterAdd({ g, index }: Pass, like: Value, gradient: Value): Value {
  const zeros = g.node('Expand', [g.float32(0), g.shape(like)]);
  const rows = g.node('Reshape', [g.cast(index, 'int64'), g.int64([-1, 1])]); // [time · rows, 1]
  return g.node('ScatterND', [zeros, rows, gradient], { reduction: 'add' });
}
