import type { Pass } from './pass.ts';
import { scatterAdd } from './scatter-add.ts';
import { type DenseSequence, denseSequence, type Forwarded, type Sequence } from './signal.ts';

/** The values of every position, for the layers that need them. */
export function densify(pass: Pass, sequence: Sequence): Forwarded<DenseSequence> {
  if (sequence.kind === 'dense') return { output: sequence, backward: () => {} };
  const { features, index } = sequence;
  const output = denseSequence(pass.time * pass.rows, features);
  if (sequence.kind === 'oneHot') {
    index.forEach((id, p) => {
      output.value[p * features + id] = 1;
    });
    return { output, backward: () => {} };
  }
  index.forEach((row, p) => {
    output.value.set(sequence.table.subarray(row * features, (row + 1) * features), p * features);
  });
  return { output, backward: () => scatterAdd(sequence.gradient, output.gradient, index, undefined, features) };
}
