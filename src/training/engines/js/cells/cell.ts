/** A cell: what happens to all rows in one step of a recurrent layer. */
import type { Pass } from '../pass.ts';
import type { Projection } from '../projection.ts';

/** What a cell works on. Reading step s is time step t; they differ when the sequence is read from its end. */
export interface CellInputs {
  readonly pass: Pass;
  /** Names of the weights begin with this. */
  readonly prefix: string;
  readonly projection: Projection;
  /** The hidden state that enters each step, after recurrent dropout, [time, rows, units] by time step. */
  readonly previous: Float32Array;
  /** States by reading step: slot s enters step s, slot s + 1 leaves it. Slot 0 is the initial state. The first is the hidden state. */
  readonly states: readonly Float32Array[]; // each [time + 1, rows, units]
  /** Gradient of `previous` at the step at hand, [rows, units]: zero before `backward`, which adds to it. */
  readonly previousGradient: Float32Array;
  /** Gradients of the states, [rows, units]: of slot s + 1 before `backward(s, t)`, of slot s after it but for what goes through `previous`. */
  readonly stateGradients: readonly Float32Array[];
}

export interface Cell {
  forward(s: number, t: number): void;
  backward(s: number, t: number): void;
  /** After the walk back: the products that need no order, over all steps at once. Returns the gradient of the projection. */
  finish(): Float32Array; // [time, rows, gates · units]
}
