/** Average or maximum over the unmasked time steps. A row without any gives zeros. */
import type { LayerOf } from '../../../../../../models/layers.ts';
import { densify } from '../densify.ts';
import type { Pass } from '../pass.ts';
import type { DenseSequence, Forwarded, Sequence, Vector } from '../signal.ts';

export function pooling(root: Pass, layer: LayerOf<'pooling'>, input: Sequence): Forwarded<Vector> {
  const pass = { ...root, g: root.g.scope(layer.name) };
  const below = densify(pass, input);
  const { output, backward } = layer.kind === 'average' ? average(pass, below.output) : maximum(pass, below.output);
  return {
    output,
    backward: (gradient) => {
      if (!below.output.learns) return undefined;
      const spread = backward(gradient);
      return spread === undefined ? undefined : below.backward(spread);
    },
  };
}

function average({ g, mask, index, sequenceShape }: Pass, input: DenseSequence): Forwarded<Vector> {
  const { features, learns } = input;
  if (mask === undefined) {
    return {
      output: { kind: 'vector', features, value: g.mean(input.value, 0), learns },
      backward: (gradient) => {
        const steps = g.cast(g.gather(g.shape(index), g.int64(0), 0), 'float32');
        return g.node('Expand', [g.div(gradient, steps), sequenceShape(features)]);
      },
    };
  }
  const counted = g.cast(mask, 'float32'); // [time, rows]
  const counts = g.unsqueeze(g.max(g.sum(counted, 0), g.float32(1)), 1); // [rows, 1]
  const weights = g.unsqueeze(counted, 2); // [time, rows, 1]
  return {
    output: {
      kind: 'vector',
      features,
      value: g.div(g.sum(g.mul(input.value, weights), 0), counts),
      learns,
    },
    backward: (gradient) => g.mul(weights, g.div(gradient, counts)),
  };
}

/** The gradient goes to the first one among equals. */
function maximum({ g, mask, index }: Pass, input: DenseSequence): Forwarded<Vector> {
  const { features, learns } = input;
  const counted = mask === undefined ? undefined : g.unsqueeze(mask, 2); // [time, rows, 1]
  const candidates =
    counted === undefined ? input.value : g.where(counted, input.value, g.float32(Number.NEGATIVE_INFINITY));
  const highest = g.maximum(candidates, 0); // [rows, features]
  const value =
    counted === undefined ? highest : g.where(g.greater(highest, g.float32(-3.4e38)), highest, g.float32(0));
  return {
    output: { kind: 'vector', features, value, learns },
    backward: (gradient) => {
      const chosen = g.node('ArgMax', [candidates], { axis: 0, keepdims: 1, select_last_index: 0 }); // [1, rows, features]
      const time = g.gather(g.shape(index), g.int64(0), 0);
      const steps = g.node('Range', [g.int64(0), time, g.int64(1)]); // [time]
      const here = g.equal(g.node('Reshape', [steps, g.int64([-1, 1, 1])]), chosen); // [time, rows, features]
      const takes = counted === undefined ? here : g.node('And', [here, counted]);
      return g.where(takes, gradient, g.float32(0));
    },
  };
}
