/** Brings a share of a batch into the memory of the kernels: ids in the order of positions, masks, the
 * different ids, and initial states. */
import type { Batch } from '../../engine.ts';
import type { KernelMemory, Kernels } from './kernels.ts';
import { lanes, type Workspace } from './workspace.ts';

/** @param kernels which compute at once: what the share's own are to do depends on how many different ids there are */
export function batchLoader(
  { rows, time, firstRow, groups, batch: places, pass, initialStates }: Workspace,
  kernels: Kernels,
  { buffer }: KernelMemory,
): (batch: Batch) => void {
  const padded = groups * lanes;
  const given = new Int32Array(buffer, places.given, rows * time);
  const states = initialStates.map(({ name, units, at }) => ({
    name,
    units,
    values: new Float32Array(buffer, at, units * padded),
  }));

  return (batch) => {
    for (const { name, units, values } of states) {
      const initial = batch.initialStates?.get(name); // [rows of the batch, units]
      values.fill(0);
      for (let row = 0; initial && row < rows; row++) {
        const group = Math.floor(row / lanes) * units * lanes + (row % lanes);
        for (let j = 0; j < units; j++) values[group + j * lanes] = initial[(firstRow + row) * units + j] as number;
      }
    }
    given.set(batch.ids.subarray(firstRow * time, (firstRow + rows) * time));
    const { ids, seen, uniqueIds, uniqueOf, mask } = places;
    const unique = kernels.placeIds(places.given, seen, ids, uniqueIds, uniqueOf, mask, rows, time, padded);
    pass.uniqueGroups = Math.ceil(unique / lanes);
  };
}
