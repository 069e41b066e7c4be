/** Dropout of single elements, while training. */
import type { LayerOf } from '../../../../../../models/layers.ts';
import { dropoutStream } from '../../../../dropout.ts';
import { densify } from '../densify.ts';
import type { Pass } from '../pass.ts';
import type { Forwarded, Sequence, Vector } from '../signal.ts';

export function dropout(
  pass: Pass,
  layer: LayerOf<'dropout'>,
  layerIndex: number,
  input: Sequence | Vector,
): Forwarded<Sequence | Vector> {
  const { g } = pass;
  const stream = dropoutStream(layerIndex);
  const layout = input.kind === 'vector' ? 'row' : 'element';
  const drawn = pass.dropout('dropout', stream, layer.rate, layout, input.features);
  if (drawn === undefined) return { output: input, backward: (gradient) => gradient };
  if (input.kind === 'vector') {
    return {
      output: { ...input, value: g.mul(input.value, drawn) },
      backward: (gradient) => (input.learns ? g.mul(gradient, drawn) : undefined),
    };
  }
  const mask = g.transpose(drawn, [1, 0, 2]); // [time, rows, features]
  const below = densify(pass, input);
  return {
    output: { ...below.output, value: g.mul(below.output.value, mask) },
    backward: (gradient) => (below.output.learns ? below.backward(g.mul(gradient, mask)) : undefined),
  };
}
