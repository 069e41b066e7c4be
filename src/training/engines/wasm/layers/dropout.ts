/** Dropout of single elements, while training. */
import type { LayerOf } from '../../../../../models/layers.ts';
import { dropoutStream } from '../../../dropout.ts';
import { densify } from '../densify.ts';
import { plannedMask } from '../dropout-masks.ts';
import {
  type DenseSequence,
  denseSequence,
  passThrough,
  type Sequence,
  type Stage,
  type Vector,
  vector,
} from '../signal.ts';
import { valueBytes, type Workspace } from '../workspace.ts';

export function dropout(
  workspace: Workspace,
  layer: LayerOf<'dropout'>,
  layerIndex: number,
  input: Sequence | Vector,
): Stage<Sequence | Vector> {
  if (layer.rate === 0) return passThrough(input);
  const { kernels, batch } = workspace;
  const { features } = input;
  const isVector = input.kind === 'vector';
  const groups = isVector ? workspace.groups : workspace.positions;
  const places = isVector ? batch.rowOf : batch.drawnOf;
  const kept: Stage<DenseSequence | Vector> = isVector ? passThrough(input) : densify(workspace, input);
  const output = isVector ? vector(workspace, features) : denseSequence(workspace, features);
  const stream = dropoutStream(layerIndex);
  const { mask, draw } = plannedMask(workspace, 'dropout', stream, layer.rate, features, places, groups);
  const bytes = valueBytes(features) * groups;
  return {
    output,
    forward: () => {
      kept.forward();
      draw();
      kernels.multiply(output.value, kept.output.value, mask, bytes, bytes);
    },
    backward: () => {
      kernels.addMultiplied(kept.output.gradient, output.gradient, mask, bytes, bytes);
      kept.backward();
    },
  };
}
