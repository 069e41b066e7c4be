/** Brings a share of a batch into the memory of the kernels: ids in the order of positions, masks, the
 * different ids, and initial states. */
import type { Batch } from '../../engine.ts';
import type { KernelMemory } from './kernels.ts';
import { lanes, type Workspace } from './workspace.ts';

/** @param seen for each id of the vocabulary its place among the different ids of a batch, −1 between batches */
export function batchLoader(workspace: Workspace, { buffer }: KernelMemory, seen: Int32Array): (batch: Batch) => void {
  const { rows, time, firstRow, groups, positions, batch: places, pass, initialStates } = workspace;
  const padded = groups * lanes;
  const ids = new Int32Array(buffer, places.ids, positions * lanes);
  const uniqueOf = new Int32Array(buffer, places.uniqueOf, positions * lanes);
  const uniqueIds = new Int32Array(buffer, places.uniqueIds, places.maxUniqueGroups * lanes);
  const mask = places.mask ? new Int32Array(buffer, places.mask, positions * lanes) : undefined;

  const states = initialStates.map(({ name, units, at }) => ({
    name,
    units,
    values: new Float32Array(buffer, at, units * padded),
  }));

  return (batch) => {
    for (const { name, units, values } of states) {
      const given = batch.initialStates?.get(name); // [rows of the batch, units]
      values.fill(0);
      for (let row = 0; given && row < rows; row++) {
        const group = Math.floor(row / lanes) * units * lanes + (row % lanes);
        for (let j = 0; j < units; j++) values[group + j * lanes] = given[(firstRow + row) * units + j] as number;
      }
    }
    let unique = 0;
    for (let t = 0; t < time; t++) {
      for (let lane = 0; lane < padded; lane++) {
        const row = firstRow + (lane < rows ? lane : rows - 1);
        const id = batch.ids[row * time + t] as number;
        let place = seen[id] as number;
        if (place < 0) {
          place = unique++;
          seen[id] = place;
          uniqueIds[place] = id;
        }
        const position = t * padded + lane;
        ids[position] = id;
        uniqueOf[position] = place;
        if (mask) mask[position] = id === 0 ? 0 : -1;
      }
    }
    for (let place = 0; place < unique; place++) seen[uniqueIds[place] as number] = -1;
    pass.uniqueGroups = Math.ceil(unique / lanes);
    uniqueIds.fill(uniqueIds[0] as number, unique, pass.uniqueGroups * lanes);
  };
}
