import { fail } from '../../src/core/errors.ts';

/**
 * onnxruntime aborts the process at a zero dimension, and reads a negative id from the end of the table.
 * @throws INPUT_INVALID
 */
export function checkIds(ids: Int32Array, rows: number, time: number, vocabularySize: number): void {
  for (const [name, size] of Object.entries({ rows, time })) {
    if (!Number.isSafeInteger(size) || size < 1) {
      fail('INPUT_INVALID', `${name} is ${String(size)}`, 'Give a whole number above 0.');
    }
  }
  if (!(ids instanceof Int32Array)) fail('INPUT_INVALID', 'ids are no Int32Array', 'Use Int32Array.from(…).');
  if (ids.length !== rows * time) {
    fail('INPUT_INVALID', `${ids.length} ids for ${rows} rows of ${time}`, `Give rows × time = ${rows * time} ids.`);
  }
  for (let index = 0; index < ids.length; index++) {
    const id = ids[index] as number;
    if (id < 0 || id >= vocabularySize) {
      const place = `row ${Math.floor(index / time)}, step ${index % time}`;
      fail('INPUT_INVALID', `id ${id} at ${place} is out of range`, `Ids are 0 to ${vocabularySize - 1}.`);
    }
  }
}
