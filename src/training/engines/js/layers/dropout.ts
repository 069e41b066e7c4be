/** Dropout of single elements, while training. */
import type { LayerOf } from '../../../../../models/layers.ts';
import { dropoutStream } from '../../../dropout.ts';
import type { Pass } from '../pass.ts';
import { type DenseSequence, denseSequence, type Forwarded, type Vector, vector } from '../signal.ts';

export function dropout(
  pass: Pass,
  layer: LayerOf<'dropout'>,
  layerIndex: number,
  input: DenseSequence | Vector,
): Forwarded<DenseSequence | Vector> {
  const { features, value, gradient } = input;
  const size = value.length;
  const mask = pass.dropoutMask('dropout', dropoutStream(layerIndex), layer.rate, size);
  if (!mask) return { output: input, backward: () => {} };
  const output = input.kind === 'vector' ? vector(pass.rows, features) : denseSequence(size / features, features);
  for (let i = 0; i < size; i++) output.value[i] = (value[i] as number) * (mask[i] as number);
  return {
    output,
    backward: () => {
      for (let i = 0; i < size; i++) {
        gradient[i] = (gradient[i] as number) + (output.gradient[i] as number) * (mask[i] as number);
      }
    },
  };
}
