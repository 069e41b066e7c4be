/** Dropout of a recurrent layer's inputs: one mask a row, the same for all steps and gates. */
import type { RecurrentLayer } from '../../../../models/layers.ts';
import { densify } from './densify.ts';
import { drawMask, plannedMask } from './dropout-masks.ts';
import { denseSequence, passThrough, type Sequence, type Stage } from './signal.ts';
import { lanes, valueBytes, type Workspace } from './workspace.ts';

export function dropInputs(
  workspace: Workspace,
  layer: RecurrentLayer,
  input: Sequence,
  stream: number,
): Stage<Sequence> {
  if (layer.dropout === 0) return passThrough(input);
  const { kernels, rows, groups, positions, batch, pass } = workspace;
  const { features } = input;

  if (input.kind === 'oneHot') {
    const drawn = workspace.reserve(rows * features);
    const scale = workspace.values(1, positions);
    return {
      output: { ...input, scale },
      forward: () => {
        if (!pass.address) return kernels.fill(scale, 1, valueBytes(1) * positions);
        drawMask(workspace, drawn, pass.address, 'dropout', stream, layer.dropout, features);
        kernels.pickScales(scale, drawn, batch.ids, batch.rowOf, features, positions * lanes, groups * lanes);
      },
      backward: () => {},
    };
  }

  const kept = densify(workspace, input);
  const output = denseSequence(workspace, features);
  const { mask, draw } = plannedMask(workspace, 'dropout', stream, layer.dropout, features, batch.rowOf, groups);
  const step = valueBytes(features) * groups;
  const bytes = valueBytes(features) * positions;
  return {
    output,
    forward: () => {
      kept.forward();
      draw();
      kernels.multiply(output.value, kept.output.value, mask, step, bytes);
    },
    backward: () => {
      kernels.addMultiplied(kept.output.gradient, output.gradient, mask, step, bytes);
      kept.backward();
    },
  };
}
