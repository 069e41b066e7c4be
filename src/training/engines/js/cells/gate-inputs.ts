/** Begins the sums of a step's gates: biases and the projected input of its position. The state is added by the cell. */
import type { CellInputs } from './cell.ts';

/**
 * @param sums the sums of all steps, [time, rows, width]
 * @param added vectors [width] added to every row
 */
export function beginGateSums(
  { pass, projection }: CellInputs,
  added: readonly (Float32Array | undefined)[],
  sums: Float32Array,
  t: number,
  width: number,
): void {
  const { values, index, scale } = projection;
  for (let p = t * pass.rows; p < (t + 1) * pass.rows; p++) {
    const from = (index ? (index[p] as number) : p) * width;
    const factor = scale ? (scale[p] as number) : 1;
    for (let j = 0; j < width; j++) sums[p * width + j] = factor * (values[from + j] as number);
  }
  for (const vector of added) {
    if (!vector) continue;
    for (let p = t * pass.rows; p < (t + 1) * pass.rows; p++) {
      for (let j = 0; j < width; j++) sums[p * width + j] = (sums[p * width + j] as number) + (vector[j] as number);
    }
  }
}
