import { type DenseSequence, denseSequence, passThrough, type Sequence, type Stage } from './signal.ts';
import type { Workspace } from './workspace.ts';

/** The values of every position, for what needs them. */
export function densify(workspace: Workspace, sequence: Sequence): Stage<DenseSequence> {
  if (sequence.kind === 'dense') return passThrough(sequence);
  const { kernels, positions, batch } = workspace;
  const { features } = sequence;
  const output = denseSequence(workspace, features);
  if (sequence.kind === 'oneHot') {
    return {
      output,
      forward: () => kernels.oneHotRows(output.value, batch.ids, features, positions),
      backward: () => {},
    };
  }
  const { table, tableGradient } = sequence;
  return {
    output,
    forward: () => kernels.gather(output.value, table, batch.ids, 0, 0, features, positions),
    backward: () => kernels.scatterAdd(tableGradient, output.gradient, batch.ids, 0, features, positions),
  };
}
