import type { Batch } from './runner.ts';

/** The same rows for a model that masks zeros: each without them, all as long as the longest, at least one step. */
export function withoutZeros({ ids, rows, time }: Batch): Batch {
  let longest = 1;
  for (let row = 0; row < rows; row++) {
    let length = 0;
    for (let at = row * time; at < (row + 1) * time; at++) if (ids[at] !== 0) length++;
    if (length > longest) longest = length;
  }
  const kept = new Int32Array(rows * longest); // [rows, longest]
  for (let row = 0; row < rows; row++) {
    let to = row * longest;
    for (let at = row * time; at < (row + 1) * time; at++) {
      const id = ids[at] as number;
      if (id !== 0) kept[to++] = id;
    }
  }
  return { ids: kept, rows, time: longest };
}
