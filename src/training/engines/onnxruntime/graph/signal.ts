/**
 * What flows between layers while the graph is built: names of its values. Outside the loops everything is
 * time-major with rows before features; a layer's function adds its forward nodes, and gives one that adds its
 * backward nodes.
 */
import type { Value } from '../../../../../exporters/graph/graph.ts';

export interface Ids {
  readonly kind: 'ids';
}

/** Rows of a table, one for each different id of the batch: the graph's `index` says which stands where. */
export interface EmbeddedSequence {
  readonly kind: 'embedded';
  readonly features: number;
  readonly table: Value; // [unique, features]
}

/** One-hot rows, never materialised for a recurrent layer: their product with a kernel is a row of the kernel. */
export interface OneHotSequence {
  readonly kind: 'oneHot';
  readonly features: number;
  /** What dropout makes of the one, [time, rows, 1]; undefined: 1. */
  readonly scale: Value | undefined;
}

export interface DenseSequence {
  readonly kind: 'dense';
  readonly features: number;
  readonly value: Value; // [time, rows, features]
  /** Whether a layer below learns, so that a gradient is wanted. */
  readonly learns: boolean;
}

export interface Vector {
  readonly kind: 'vector';
  readonly features: number;
  readonly value: Value; // [rows, features]
  readonly learns: boolean;
}

export type Sequence = EmbeddedSequence | OneHotSequence | DenseSequence;
export type Signal = Ids | Sequence | Vector;

/** A layer's output, and how its gradient goes back. */
export interface Forwarded<S extends Signal = Signal> {
  readonly output: S;
  /**
   * Adds the backward nodes.
   * @param gradient of the output: shaped as its value, or as the table of an embedded sequence
   * @returns the gradient of the input in the same way; undefined where nothing below learns
   */
  readonly backward: (gradient: Value) => Value | undefined;
}
