import type { GraphBuilder } from '../graph/builder.ts';
import type { Value } from '../graph/graph.ts';
import type { Lowering } from './lowering.ts';
import { sequenceOf } from './one-hot.ts';

/** [time, batch, features] → [batch, features], over the valid steps; a row that has none gives zeros. */
export const lowerPooling: Lowering<'pooling'> = ({ g, layer, input }) => {
  const { counts } = input;
  const x = sequenceOf(g, input);
  if (!counts) return { value: layer.kind === 'average' ? g.mean(x, 0) : g.maximum(x, 0) };
  const valid = validSteps(g, x, counts); // [time, batch, 1]
  const lengths = g.unsqueeze(counts, 1); // [batch, 1]
  if (layer.kind === 'average') {
    const total = g.sum(g.where(valid, x, g.float32(0)), 0);
    return { value: g.div(total, g.cast(g.max(lengths, g.int32(1)), 'float32')) };
  }
  const highest = g.maximum(g.where(valid, x, g.float32(Number.NEGATIVE_INFINITY)), 0);
  return { value: g.where(g.greater(lengths, g.int32(0)), highest, g.float32(0)) };
};

/** Whether step t is among the valid ones that stand first: bool, [time, batch, 1]. */
function validSteps(g: GraphBuilder, x: Value, counts: Value): Value {
  const time = g.gather(g.shape(x), g.int64(0), 0);
  const steps = g.node('Range', [g.int64(0), time, g.int64(1)]); // [time]
  const before = g.less(g.unsqueeze(g.cast(steps, 'int32'), 1), counts); // [time, batch]
  return g.unsqueeze(before, 2);
}
