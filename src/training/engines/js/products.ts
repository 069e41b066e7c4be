/**
 * The three matrix products of a network, each adding to its result. Row-major float32; four rows of the
 * inner dimension at a time, so that each element of the result is loaded and stored a quarter as often.
 */

/** c += a · b, with a [rows, inner], b [inner, columns], c [rows, columns]; `aOffset` and `cOffset` are elements to skip. */
export function addProduct(
  a: Float32Array,
  aOffset: number,
  b: Float32Array,
  c: Float32Array,
  cOffset: number,
  rows: number,
  inner: number,
  columns: number,
): void {
  const blocked = inner - (inner % 4);
  for (let row = 0; row < rows; row++) {
    const aRow = aOffset + row * inner;
    const cRow = cOffset + row * columns;
    for (let k = 0; k < blocked; k += 4) {
      const a0 = a[aRow + k] as number;
      const a1 = a[aRow + k + 1] as number;
      const a2 = a[aRow + k + 2] as number;
      const a3 = a[aRow + k + 3] as number;
      const b0 = k * columns;
      const b1 = b0 + columns;
      const b2 = b1 + columns;
      const b3 = b2 + columns;
      for (let j = 0; j < columns; j++) {
        c[cRow + j] =
          (c[cRow + j] as number) +
          a0 * (b[b0 + j] as number) +
          a1 * (b[b1 + j] as number) +
          a2 * (b[b2 + j] as number) +
          a3 * (b[b3 + j] as number);
      }
    }
    for (let k = blocked; k < inner; k++) {
      const a0 = a[aRow + k] as number;
      for (let j = 0; j < columns; j++) c[cRow + j] = (c[cRow + j] as number) + a0 * (b[k * columns + j] as number);
    }
  }
}

/** c += a · bᵀ, with a [rows, inner], b [columns, inner], c [rows, columns]. */
export function addProductTransposed(
  a: Float32Array,
  aOffset: number,
  b: Float32Array,
  c: Float32Array,
  cOffset: number,
  rows: number,
  inner: number,
  columns: number,
): void {
  const blocked = inner - (inner % 4);
  for (let row = 0; row < rows; row++) {
    const aRow = aOffset + row * inner;
    const cRow = cOffset + row * columns;
    for (let j = 0; j < columns; j++) {
      const bRow = j * inner;
      let s0 = 0;
      let s1 = 0;
      let s2 = 0;
      let s3 = 0;
      for (let k = 0; k < blocked; k += 4) {
        s0 += (a[aRow + k] as number) * (b[bRow + k] as number);
        s1 += (a[aRow + k + 1] as number) * (b[bRow + k + 1] as number);
        s2 += (a[aRow + k + 2] as number) * (b[bRow + k + 2] as number);
        s3 += (a[aRow + k + 3] as number) * (b[bRow + k + 3] as number);
      }
      for (let k = blocked; k < inner; k++) s0 += (a[aRow + k] as number) * (b[bRow + k] as number);
      c[cRow + j] = (c[cRow + j] as number) + (s0 + s1) + (s2 + s3);
    }
  }
}

/** c += aᵀ · b, with a [rows, inner], b [rows, columns], c [inner, columns]. */
export function addTransposedProduct(
  a: Float32Array,
  b: Float32Array,
  c: Float32Array,
  rows: number,
  inner: number,
  columns: number,
): void {
  const blocked = rows - (rows % 4);
  for (let row = 0; row < blocked; row += 4) {
    const b0 = row * columns;
    const b1 = b0 + columns;
    const b2 = b1 + columns;
    const b3 = b2 + columns;
    for (let k = 0; k < inner; k++) {
      const a0 = a[row * inner + k] as number;
      const a1 = a[(row + 1) * inner + k] as number;
      const a2 = a[(row + 2) * inner + k] as number;
      const a3 = a[(row + 3) * inner + k] as number;
      const cRow = k * columns;
      for (let j = 0; j < columns; j++) {
        c[cRow + j] =
          (c[cRow + j] as number) +
          a0 * (b[b0 + j] as number) +
          a1 * (b[b1 + j] as number) +
          a2 * (b[b2 + j] as number) +
          a3 * (b[b3 + j] as number);
      }
    }
  }
  for (let row = blocked; row < rows; row++) {
    for (let k = 0; k < inner; k++) {
      const a0 = a[row * inner + k] as number;
      for (let j = 0; j < columns; j++) {
        c[k * columns + j] = (c[k * columns + j] as number) + a0 * (b[row * columns + j] as number);
      }
    }
  }
}

/** c += the sum of the rows of b [rows, columns]. */
export function addColumnSums(b: Float32Array, c: Float32Array, rows: number, columns: number): void {
  for (let row = 0; row < rows; row++) {
    for (let j = 0; j < columns; j++) c[j] = (c[j] as number) + (b[row * columns + j] as number);
  }
}
