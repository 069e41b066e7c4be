/**
 * What flows between layers, and the gradient that flows back. Everything is time-major: position
 * p = step · rows + row. A layer's forward pass returns its output and a closure that carries the output's
 * gradient back to the input and to the layer's parameters.
 */

/** Dense values of every position. */
export interface DenseSequence {
  readonly kind: 'dense';
  readonly features: number;
  readonly value: Float32Array; // [time, rows, features]
  readonly gradient: Float32Array; // as value
}

/**
 * Rows of a table, looked up and never copied out. What depends on the id alone is computed once for each
 * *unique* id of the batch: real text repeats its words, so that is a fraction of the positions.
 */
export interface EmbeddedSequence {
  readonly kind: 'embedded';
  readonly features: number;
  readonly table: Float32Array; // [unique, features]
  readonly gradient: Float32Array; // as table
  readonly index: Int32Array; // [time, rows] → row of the table
}

/** One-hot rows: `scale` at the place of the id, else zero. Never materialised: its product with a kernel is a row of the kernel. */
export interface OneHotSequence {
  readonly kind: 'oneHot';
  readonly features: number;
  readonly index: Int32Array; // [time, rows] → the id
  /** 1, or what dropout made of it, [time, rows]. */
  readonly scale: Float32Array | undefined;
}

export type Sequence = DenseSequence | EmbeddedSequence | OneHotSequence;

export interface Vector {
  readonly kind: 'vector';
  readonly features: number;
  readonly value: Float32Array; // [rows, features]
  readonly gradient: Float32Array; // as value
}

export interface Ids {
  readonly kind: 'ids';
  readonly ids: Int32Array; // [time, rows]
}

export type Signal = Ids | Sequence | Vector;

/** A layer's result: its output, and how the output's gradient goes back. */
export interface Forwarded<S extends Signal = Signal> {
  readonly output: S;
  readonly backward: () => void;
}

export function denseSequence(positions: number, features: number): DenseSequence {
  const size = positions * features;
  return { kind: 'dense', features, value: new Float32Array(size), gradient: new Float32Array(size) };
}

export function vector(rows: number, features: number): Vector {
  const size = rows * features;
  return { kind: 'vector', features, value: new Float32Array(size), gradient: new Float32Array(size) };
}
