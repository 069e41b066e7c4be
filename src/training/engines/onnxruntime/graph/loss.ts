/**
 * The gradient of the loss in the logits, exactly as `src/training/loss.ts` has it; the loss itself is worked out there,
 * from the logits that the graph gives. On probabilities Keras clips to [1e-7, 1 − 1e-7]: outside, the gradient is zero.
 */
import type { GraphBuilder } from '../../../../../exporters/graph/builder.ts';
import type { Value } from '../../../../../exporters/graph/graph.ts';
import type { Head } from '../../../../../models/plan.ts';

/** The float32 numbers next to the bounds such that p > 1e-7 and p < 1 − 1e-7 mean the same as in real numbers. */
const lowest = 1e-7 - 2 ** -47;
const highest = 1 - 2 ** -24;

interface Judged {
  /** Class of each row: int32, [rows]. */
  readonly targets: Value;
  /** One by the rows of the whole batch, or that times the weight of each row's class, [rows, 1]. */
  readonly share: Value;
}

/** @returns [rows, outputs] */
export function lossGradient(g: GraphBuilder, head: Head, logits: Value, judged: Judged): Value {
  return head.loss === 'binaryCrossentropy' ? binary(g, head, logits, judged) : categorical(g, head, logits, judged);
}

function binary(g: GraphBuilder, head: Head, logits: Value, { targets, share }: Judged): Value {
  const one = g.float32(1);
  // not Sigmoid, whose approximation is coarse near 0, where the clipping is decided
  const p = g.div(one, g.add(one, g.node('Exp', [g.node('Neg', [logits])]))); // [rows, 1]
  const y = g.unsqueeze(g.cast(targets, 'float32'), 1);
  const gradient = g.mul(g.sub(p, y), share);
  return head.fromLogits ? gradient : g.where(inside(g, p), gradient, g.float32(0));
}

function categorical(g: GraphBuilder, head: Head, logits: Value, { targets, share }: Judged): Value {
  const p = g.softmax(logits, 1); // [rows, outputs]
  const y = g.node('OneHot', [targets, g.int32(head.outputs), g.float32([0, 1])], { axis: -1 });
  const gradient = g.mul(g.sub(p, y), share);
  if (head.fromLogits) return gradient;
  const ofTarget = g.unsqueeze(g.sum(g.mul(p, y), 1), 1); // [rows, 1]
  return g.where(inside(g, ofTarget), gradient, g.float32(0));
}

function inside(g: GraphBuilder, p: Value): Value {
  return g.node('And', [g.greater(p, g.float32(lowest)), g.less(p, g.float32(highest))]);
}
