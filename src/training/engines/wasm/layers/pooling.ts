/** Average or maximum over the unmasked time steps. A row without any gives zeros. */
import type { LayerOf } from '../../../../../models/layers.ts';
import { densify } from '../densify.ts';
import { type Sequence, type Stage, type Vector, vector } from '../signal.ts';
import type { Workspace } from '../workspace.ts';

export function pooling(workspace: Workspace, layer: LayerOf<'pooling'>, sequence: Sequence): Stage<Vector> {
  const { kernels, time, groups, batch } = workspace;
  const { features } = sequence;
  const dense = densify(workspace, sequence);
  const { value, gradient } = dense.output;
  const output = vector(workspace, features);

  if (layer.kind === 'average') {
    const share = workspace.values(1, groups);
    return {
      output,
      forward: () => {
        dense.forward();
        kernels.shares(share, batch.mask, time, groups);
        kernels.averageForward(output.value, value, batch.mask, share, features, time, groups);
      },
      backward: () => {
        kernels.averageBackward(gradient, output.gradient, batch.mask, share, features, time, groups);
        dense.backward();
      },
    };
  }
  const chosen = workspace.values(features, groups); // time step of each maximum
  return {
    output,
    forward: () => {
      dense.forward();
      kernels.maxForward(output.value, chosen, value, batch.mask, features, time, groups);
    },
    backward: () => {
      kernels.maxBackward(gradient, output.gradient, chosen, features, time, groups);
      dense.backward();
    },
  };
}
