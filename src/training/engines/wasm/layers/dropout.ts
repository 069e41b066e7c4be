/** Dropout of single elements, while training. */
import type { LayerOf } from '../../../../../models/layers.ts';
import { dropoutStream } from '../../../dropout.ts';
import { denseSequence, densify } from '../projection.ts';
import type { DenseSequence, Sequence, Stage, Vector } from '../signal.ts';
import { plannedMask, valueBytes, type Workspace } from '../workspace.ts';
import { vector } from './vector.ts';

export function dropout(
  workspace: Workspace,
  layer: LayerOf<'dropout'>,
  layerIndex: number,
  input: Sequence | Vector,
): Stage<Sequence | Vector> {
  if (layer.rate === 0) return { output: input, forward: () => {}, backward: () => {} };
  const { kernels, batch } = workspace;
  const { features } = input;
  const isVector = input.kind === 'vector';
  const groups = isVector ? workspace.groups : workspace.positions;
  const places = isVector ? batch.rowOf : batch.drawnOf;
  const kept: Stage<DenseSequence | Vector> = isVector
    ? { output: input, forward: () => {}, backward: () => {} }
    : densify(workspace, input);
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
