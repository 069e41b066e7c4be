/**
 * What flows between layers: addresses of values and of their gradients. Sequences are [time][group][feature][lane],
 * vectors [group][feature][lane], with eight rows of the batch in the lanes of a group.
 */
import type { Address } from './kernels.ts';
import type { Workspace } from './workspace.ts';

export interface Ids {
  readonly kind: 'ids';
}

/** Rows of a table, by the ids of the batch: never copied out where what follows is linear in them. */
export interface EmbeddedSequence {
  readonly kind: 'embedded';
  readonly features: number;
  readonly table: Address; // [inputDim, features]
  readonly tableGradient: Address;
}

/** One-hot rows by the ids of the batch: their product with a kernel is a row of the kernel. */
export interface OneHotSequence {
  readonly kind: 'oneHot';
  readonly features: number;
  /** What input dropout makes of the ones, [time][group][lane]; 0: they are ones. */
  readonly scale: Address;
}

export interface DenseSequence {
  readonly kind: 'dense';
  readonly features: number;
  readonly value: Address;
  readonly gradient: Address;
}

export interface Vector {
  readonly kind: 'vector';
  readonly features: number;
  readonly value: Address;
  readonly gradient: Address;
}

export type Sequence = EmbeddedSequence | OneHotSequence | DenseSequence;
export type Signal = Ids | Sequence | Vector;

/**
 * A layer laid out for one shape of batch: where its output will lie, and what computes it. Gradients of signals and
 * weights are zero before the way back, and `backward` adds to those of its input and its weights.
 */
export interface Stage<S extends Signal = Signal> {
  readonly output: S;
  readonly forward: () => void;
  readonly backward: () => void;
}

/** A stage that computes nothing: its output is there already, or looked up by the layers above. */
export function passThrough<S extends Signal>(output: S): Stage<S> {
  return { output, forward: () => {}, backward: () => {} };
}

/** Room for the values of every position, and for their gradients. */
export function denseSequence({ values, gradients, positions }: Workspace, features: number): DenseSequence {
  return { kind: 'dense', features, value: values(features, positions), gradient: gradients(features, positions) };
}

/** Room for a vector of every row, and for its gradient. */
export function vector({ values, gradients, groups }: Workspace, features: number): Vector {
  return { kind: 'vector', features, value: values(features, groups), gradient: gradients(features, groups) };
}
