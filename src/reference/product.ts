/**
 * The matrix product, where nearly all the time of a forward pass goes. Four columns are summed side by side: one
 * sum alone would wait for itself at every addition.
 */

/** `x w` for row-major x, [rows, inner], and w, [inner, columns]. */
export function product(x: Float64Array, w: Float64Array, rows: number, inner: number, columns: number): Float64Array {
  const result = new Float64Array(rows * columns);
  const blocked = columns - (columns % 4);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < blocked; column += 4) {
      let a = 0;
      let b = 0;
      let c = 0;
      let d = 0;
      for (let k = 0, at = row * inner, from = column; k < inner; k++, at++, from += columns) {
        const scale = x[at] as number;
        a += scale * (w[from] as number);
        b += scale * (w[from + 1] as number);
        c += scale * (w[from + 2] as number);
        d += scale * (w[from + 3] as number);
      }
      const to = row * columns + column;
      result[to] = a;
      result[to + 1] = b;
      result[to + 2] = c;
      result[to + 3] = d;
    }
    for (let column = blocked; column < columns; column++) {
      let sum = 0;
      for (let k = 0; k < inner; k++) sum += (x[row * inner + k] as number) * (w[k * columns + column] as number);
      result[row * columns + column] = sum;
    }
  }
  return result;
}
