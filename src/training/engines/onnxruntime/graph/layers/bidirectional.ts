/** A recurrent layer read in both directions, and the two outputs merged. */
import type { GraphBuilder } from '../../../../../../exporters/graph/builder.ts';
import type { Value } from '../../../../../../exporters/graph/graph.ts';
import type { BidirectionalLayer } from '../../../../../../models/layers.ts';
import { mergedFeatures } from '../../../../../../models/plan.ts';
import { walkInside } from '../../../walk.ts';
import { split, sumOf } from '../arithmetic.ts';
import type { Pass } from '../pass.ts';
import { recur } from '../recurrence.ts';
import type { DenseSequence, Forwarded, Sequence, Vector } from '../signal.ts';

export function bidirectional(
  pass: Pass,
  layer: BidirectionalLayer,
  layerIndex: number,
  input: Sequence,
): Forwarded<DenseSequence | Vector> {
  const g = pass.g.scope(layer.name);
  const read = (direction: 'forward' | 'backward') =>
    recur(pass, layer.layer, `${layer.name}/${direction}`, input, walkInside(direction, layerIndex));
  const forward = read('forward');
  const backward = read('backward');
  const a = forward.output.value;
  const b = backward.output.value;
  const merge = merges[layer.mergeMode];
  return {
    output: { ...forward.output, features: mergedFeatures(layer), value: merge.forward(g, a, b) },
    backward: (gradient) => {
      const [ofA, ofB] = merge.backward(g, gradient, a, b, layer.layer.units);
      return sumOf(g, forward.backward(ofA), backward.backward(ofB));
    },
  };
}

interface Merge {
  forward(g: GraphBuilder, a: Value, b: Value): Value;
  /** The gradients of a and b. */
  backward(g: GraphBuilder, gradient: Value, a: Value, b: Value, units: number): readonly [Value, Value];
}

const merges = {
  concat: {
    forward: (g, a, b) => g.concat([a, b], -1),
    backward: (g, gradient, _a, _b, units) => split(g, gradient, -1, [units, units]),
  },
  sum: {
    forward: (g, a, b) => g.add(a, b),
    backward: (_, gradient) => [gradient, gradient],
  },
  ave: {
    forward: (g, a, b) => g.mul(g.add(a, b), g.float32(0.5)),
    backward: (g, gradient) => {
      const half = g.mul(gradient, g.float32(0.5));
      return [half, half];
    },
  },
  mul: {
    forward: (g, a, b) => g.mul(a, b),
    backward: (g, gradient, a, b) => [g.mul(gradient, b), g.mul(gradient, a)],
  },
} as const satisfies Record<BidirectionalLayer['mergeMode'], Merge>;
