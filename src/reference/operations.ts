/**
 * Reverse-mode differentiation over float64 matrices, in a dozen operations.
 *
 * Every operation computes its value at once and records a *pullback*: the function that takes the gradient of
 * the loss with respect to its result and adds what follows for its inputs (the chain rule, one link long).
 * Running the pullbacks backwards in order of recording gives the gradient of whatever was computed, so a layer
 * is stated once, forward, and its gradient follows. A forward pass alone drops the pullbacks as they come.
 *
 * Rows are the examples of a batch: a sequence is an array of matrices, one a time step.
 */

import { product } from './product.ts';

/** Row-major values, [rows, columns]. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly values: Float64Array;
  /** ∂loss/∂values, there once something was added to it. */
  gradient?: Float64Array;
}

/** A matrix that is zero but for one entry a row: `scale[row]` in column `ids[row]`. It is never stored in full. */
export interface OneHot {
  readonly rows: number;
  readonly columns: number;
  readonly ids: Int32Array;
  readonly scale: Float64Array;
}

/** A function of one number with its derivative, which may use the value that is already there. */
export interface Elementwise {
  readonly value: (x: number) => number;
  readonly slope: (x: number, value: number) => number;
}

/** Takes the pullbacks as they come. */
export type Recorder = (pullback: () => void) => void;

/** For a forward pass alone. */
export const forget: Recorder = () => {};

export type Operations = ReturnType<typeof operations>;

export function matrix(rows: number, columns: number, values: Float64Array = new Float64Array(rows * columns)): Matrix {
  return { rows, columns, values };
}

/** A one-hot matrix with its zeros. */
export function inFull(x: Matrix | OneHot): Matrix {
  if (!('ids' in x)) return x;
  const full = matrix(x.rows, x.columns);
  x.ids.forEach((id, row) => {
    full.values[row * x.columns + id] = at(x.scale, row);
  });
  return full;
}

/** The gradient of `x`, zeros at first. */
export function gradientOf(x: Matrix): Float64Array {
  x.gradient ??= new Float64Array(x.values.length);
  return x.gradient;
}

export function operations(record: Recorder) {
  /** `x w`: [rows, n] by [n, columns]. With a one-hot `x` it looks up rows of `w`. */
  function matmul(x: Matrix | OneHot, w: Matrix): Matrix {
    return 'ids' in x ? lookUp(x, w) : dense(x, w);
  }

  function dense(x: Matrix, w: Matrix): Matrix {
    const result = matrix(x.rows, w.columns, product(x.values, w.values, x.rows, x.columns, w.columns));
    record(() => {
      // ∂/∂x = g wᵀ, ∂/∂w = xᵀ g
      const g = gradientOf(result);
      const gx = gradientOf(x);
      const gw = gradientOf(w);
      for (let row = 0; row < x.rows; row++) {
        for (let k = 0; k < x.columns; k++) {
          const scale = at(x.values, row * x.columns + k);
          let sum = 0;
          for (let column = 0; column < w.columns; column++) {
            const slope = at(g, row * w.columns + column);
            sum += slope * at(w.values, k * w.columns + column);
            add(gw, k * w.columns + column, scale * slope);
          }
          add(gx, row * x.columns + k, sum);
        }
      }
    });
    return result;
  }

  function lookUp(x: OneHot, w: Matrix): Matrix {
    const result = matrix(x.rows, w.columns);
    const each = (visit: (index: number, from: number, scale: number) => void) => {
      for (let row = 0; row < x.rows; row++) {
        const from = (x.ids[row] as number) * w.columns;
        const scale = at(x.scale, row);
        for (let column = 0; column < w.columns; column++) visit(row * w.columns + column, from + column, scale);
      }
    };
    each((index, from, scale) => {
      result.values[index] = scale * at(w.values, from);
    });
    record(() => {
      const g = gradientOf(result);
      const gw = gradientOf(w);
      each((index, from, scale) => add(gw, from, scale * at(g, index)));
    });
    return result;
  }

  /** Sum of matrices of one shape; a term of one row, such as a bias, is added to every row. */
  function sum(first: Matrix, ...terms: readonly (Matrix | undefined)[]): Matrix {
    const { rows, columns } = first;
    const result = matrix(rows, columns, first.values.slice());
    const others = terms.filter((term) => term !== undefined);
    for (const term of others) {
      const { values } = term;
      for (let row = 0; row < rows; row++) {
        const from = term.rows === 1 ? 0 : row * columns;
        for (let column = 0; column < columns; column++) {
          add(result.values, row * columns + column, at(values, from + column));
        }
      }
    }
    record(() => {
      const g = gradientOf(result);
      for (const term of [first, ...others]) {
        const gTerm = gradientOf(term);
        for (let index = 0; index < g.length; index++) add(gTerm, index % gTerm.length, at(g, index));
      }
    });
    return result;
  }

  /** Element by element. */
  function multiply(x: Matrix, y: Matrix): Matrix {
    const result = matrix(x.rows, x.columns);
    for (let index = 0; index < result.values.length; index++) {
      result.values[index] = at(x.values, index) * at(y.values, index);
    }
    record(() => {
      const g = gradientOf(result);
      const gx = gradientOf(x);
      const gy = gradientOf(y);
      for (let index = 0; index < g.length; index++) {
        add(gx, index, at(g, index) * at(y.values, index));
        add(gy, index, at(g, index) * at(x.values, index));
      }
    });
    return result;
  }

  /** Multiplies each row by a constant of its own. */
  function scaleRows(x: Matrix, scale: ArrayLike<number>): Matrix {
    const scales = matrix(x.rows, x.columns);
    for (let row = 0; row < x.rows; row++) {
      scales.values.fill(scale[row] as number, row * x.columns, (row + 1) * x.columns);
    }
    return multiply(x, scales);
  }

  /** Multiplies by constants, [rows, columns]. */
  function mask(x: Matrix | OneHot, constants: Float64Array): Matrix | OneHot {
    if (!('ids' in x)) return multiply(x, matrix(x.rows, x.columns, constants));
    const keep = (scale: number, row: number) => scale * at(constants, row * x.columns + (x.ids[row] as number));
    return { ...x, scale: x.scale.map(keep) };
  }

  function map(x: Matrix, { value, slope }: Elementwise): Matrix {
    const result = matrix(x.rows, x.columns);
    for (let index = 0; index < result.values.length; index++) result.values[index] = value(at(x.values, index));
    record(() => {
      const g = gradientOf(result);
      const gx = gradientOf(x);
      for (let index = 0; index < g.length; index++) {
        add(gx, index, at(g, index) * slope(at(x.values, index), at(result.values, index)));
      }
    });
    return result;
  }

  /** Row by row: log of e^x / Σ e^x, the largest x taken out first so that nothing overflows. */
  function logSoftmax(x: Matrix): Matrix {
    const result = matrix(x.rows, x.columns);
    for (let start = 0; start < x.values.length; start += x.columns) {
      const row = x.values.subarray(start, start + x.columns);
      const largest = Math.max(...row);
      const logSum = largest + Math.log(row.reduce((total, value) => total + Math.exp(value - largest), 0));
      row.forEach((value, column) => {
        result.values[start + column] = value - logSum;
      });
    }
    record(() => {
      // ∂/∂x = g − softmax(x) Σ g
      const g = gradientOf(result);
      const gx = gradientOf(x);
      for (let start = 0; start < g.length; start += x.columns) {
        const total = g.subarray(start, start + x.columns).reduce((sum, value) => sum + value, 0);
        for (let index = start; index < start + x.columns; index++) {
          add(gx, index, at(g, index) - Math.exp(at(result.values, index)) * total);
        }
      }
    });
    return result;
  }

  /** Row by row: e^x / Σ e^x */
  function softmax(x: Matrix): Matrix {
    return map(logSoftmax(x), { value: Math.exp, slope: (_, y) => y });
  }

  /** Cuts the columns into `parts` of equal width, such as the gates of a recurrent layer. */
  function split(x: Matrix, parts: number): Matrix[] {
    const width = x.columns / parts;
    return Array.from({ length: parts }, (_, part) =>
      assemble(x.rows, width, (row, column) => [x, row * x.columns + part * width + column]),
    );
  }

  /** One row of a matrix. */
  function row(x: Matrix, index: number): Matrix {
    return assemble(1, x.columns, (_, column) => [x, index * x.columns + column]);
  }

  /** One column a row: [rows, 1]. */
  function pick(x: Matrix, columns: Int32Array): Matrix {
    return assemble(x.rows, 1, (row) => [x, row * x.columns + (columns[row] as number)]);
  }

  /** The columns of `x`, then those of `y`. */
  function concat(x: Matrix, y: Matrix): Matrix {
    return assemble(x.rows, x.columns + y.columns, (row, column) =>
      column < x.columns ? [x, row * x.columns + column] : [y, row * y.columns + column - x.columns],
    );
  }

  /** Row by row: `x` where `present` is 1, else `y`. */
  function select(present: Uint8Array, x: Matrix, y: Matrix): Matrix {
    return assemble(x.rows, x.columns, (row, column) => [present[row] === 1 ? x : y, row * x.columns + column]);
  }

  /** The largest value over the steps where `present` is 1, element by element; zeros where there is none. */
  function largest(steps: readonly Matrix[], present: readonly Uint8Array[]): Matrix {
    const { rows, columns } = steps[0] as Matrix;
    return assemble(rows, columns, (row, column) => {
      const index = row * columns + column;
      const counted = steps.filter((_, step) => present[step]?.[row] === 1);
      if (counted.length === 0) return undefined;
      return [counted.reduce((best, x) => (at(x.values, index) > at(best.values, index) ? x : best)), index];
    });
  }

  /** A matrix made of entries of others: `source` says which. What comes from nowhere is 0. */
  function assemble(
    rows: number,
    columns: number,
    source: (row: number, column: number) => readonly [x: Matrix, index: number] | undefined,
  ): Matrix {
    const result = matrix(rows, columns);
    const each = (visit: (index: number, x: Matrix, from: number) => void) => {
      for (let index = 0; index < result.values.length; index++) {
        const found = source(Math.floor(index / columns), index % columns);
        if (found) visit(index, ...found);
      }
    };
    each((index, x, from) => {
      result.values[index] = at(x.values, from);
    });
    record(() => {
      const g = gradientOf(result);
      each((index, x, from) => add(gradientOf(x), from, at(g, index)));
    });
    return result;
  }

  return {
    matmul,
    sum,
    multiply,
    scaleRows,
    mask,
    map,
    logSoftmax,
    softmax,
    split,
    row,
    pick,
    concat,
    select,
    largest,
  };
}

function at(values: Float64Array, index: number): number {
  return values[index] as number;
}

function add(values: Float64Array, index: number, value: number): void {
  values[index] = (values[index] as number) + value;
}
