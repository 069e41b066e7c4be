/** Probabilities of logits. */

/** Sigmoid that neither overflows nor loses small values. */
export function sigmoid(x: number): number {
  return x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x));
}

/** Softmax of each row of `values` [rows, columns], in place. */
export function softmaxRows(values: Float32Array, rows: number, columns: number): void {
  for (let row = 0; row < rows; row++) {
    const slice = values.subarray(row * columns, (row + 1) * columns);
    const highest = slice.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
    let sum = 0;
    for (let j = 0; j < columns; j++) sum += slice[j] = Math.exp((slice[j] as number) - highest);
    for (let j = 0; j < columns; j++) slice[j] = (slice[j] as number) / sum;
  }
}
