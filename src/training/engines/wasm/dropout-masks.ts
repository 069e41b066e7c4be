/** The dropout masks of a share: drawn by a kernel, as every engine draws them, and brought into lanes. */
import { philoxAddress } from '../../../core/random.ts';
import type { DropoutPurpose } from '../../dropout.ts';
import type { StepAddress } from '../../engine.ts';
import type { Address } from './kernels.ts';
import { valueBytes, type Workspace } from './workspace.ts';

/**
 * Writes the part of this step's mask that belongs to the share, in the order of `dropoutMask`. The draws are the same,
 * made by a kernel: those of the whole batch, from the share's first row on.
 *
 * @param perRow elements of the mask for each row
 */
export function drawMask(
  { kernels, rows, firstRow }: Workspace,
  to: Address,
  address: StepAddress,
  purpose: DropoutPurpose,
  stream: number,
  rate: number,
  perRow: number,
): void {
  const { key, counter } = philoxAddress({ ...address, purpose, stream });
  const [, c1, c2, c3] = counter as unknown as [number, number, number, number];
  kernels.dropoutMask(to, rows * perRow, firstRow * perRow, rate, 1 / (1 - rate), c1, c2, c3, key[0], key[1]);
}

/**
 * A dropout mask of `features` values for each of `ofGroups` groups, in lanes.
 * @param index place of each lane's draws: `rowOf` or `drawnOf`
 * @returns where it lies, and what fills it for a step; outside training it holds ones
 */
export function plannedMask(
  workspace: Workspace,
  purpose: DropoutPurpose,
  stream: number,
  rate: number,
  features: number,
  index: Address,
  ofGroups: number,
): { readonly mask: Address; readonly draw: () => void } {
  const { kernels, rows, time, batch, pass } = workspace;
  const perRow = index === batch.rowOf ? features : time * features;
  const drawn = workspace.reserve(rows * perRow);
  const mask = workspace.values(features, ofGroups);
  return {
    mask,
    draw: () => {
      if (!pass.address) {
        kernels.fill(mask, 1, valueBytes(features) * ofGroups);
        return;
      }
      drawMask(workspace, drawn, pass.address, purpose, stream, rate, perRow);
      kernels.gather(mask, drawn, index, 0, 0, features, ofGroups);
    },
  };
}
