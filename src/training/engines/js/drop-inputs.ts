/** Dropout of a recurrent layer's inputs: one mask a row, the same for all steps and gates. */
import { densify } from './densify.ts';
import type { Pass } from './pass.ts';
import { denseSequence, type Forwarded, type Sequence } from './signal.ts';

/** @param mask [rows, features] */
export function dropInputs(pass: Pass, sequence: Sequence, mask: Float32Array): Forwarded<Sequence> {
  const { features } = sequence;
  const positions = pass.time * pass.rows;
  if (sequence.kind === 'oneHot') {
    const scale = Float32Array.from(
      { length: positions },
      (_, p) => mask[(p % pass.rows) * features + (sequence.index[p] as number)] as number,
    );
    return { output: { ...sequence, scale }, backward: () => {} };
  }
  const { output: kept, backward } = densify(pass, sequence);
  const output = denseSequence(positions, features);
  const step = pass.rows * features;
  for (let i = 0; i < output.value.length; i++) {
    output.value[i] = (kept.value[i] as number) * (mask[i % step] as number);
  }
  return {
    output,
    backward: () => {
      for (let i = 0; i < output.gradient.length; i++) {
        kept.gradient[i] = (kept.gradient[i] as number) + (output.gradient[i] as number) * (mask[i % step] as number);
      }
      backward();
    },
  };
}
