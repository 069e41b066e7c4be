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
  const drawn = pass.dropoutMask('dropout', dropoutStream(layerIndex), layer.rate, size);
  if (!drawn) return { output: input, backward: () => {} };
  const mask = input.kind === 'vector' ? drawn : toTimeMajor(pass, drawn, features);
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

/** Masks are drawn for [rows, time, features], so that they do not depend on an engine's layout. */
function toTimeMajor({ rows, time }: Pass, drawn: Float32Array, features: number): Float32Array {
  const mask = new Float32Array(drawn.length); // [time, rows, features]
  for (let row = 0; row < rows; row++) {
    for (let t = 0; t < time; t++) {
      const from = (row * time + t) * features;
      mask.set(drawn.subarray(from, from + features), (t * rows + row) * features);
    }
  }
  return mask;
}
