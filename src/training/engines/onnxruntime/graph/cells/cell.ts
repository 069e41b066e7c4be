/**
 * A cell: what happens to all rows in one step of a recurrent layer. Inside the loops everything stands the other way
 * round, [units, rows]: then the recurrent kernel is the left factor of its product, which onnxruntime reads where it
 * lies, and the small state is the right one, which it packs anew at every step. With rows first it would pack the
 * whole kernel each time, which takes as long as the product.
 *
 * On the way forward a cell leaves behind derivatives, not values: what the way back multiplies gradients by.
 */
import type { GraphBuilder } from '../../../../../../exporters/graph/builder.ts';
import type { Value } from '../../../../../../exporters/graph/graph.ts';

export interface CellStep {
  /** x·W + b, [gates · units, rows]. */
  readonly input: Value;
  /** The hidden state that enters products, after recurrent dropout, [units, rows]. */
  readonly previous: Value;
  /** The states that enter, the hidden one first, each [units, rows]. */
  readonly states: readonly Value[];
}

export interface Stepped {
  readonly states: readonly Value[];
  /** Adds what is kept for the way back, each [units, rows]: `savedCount` of them. */
  readonly save: () => readonly Value[];
  /** For products after the way back, each [units, rows]. */
  readonly factors: readonly Value[];
}

export interface SteppedBack {
  /** Gradients of the states that entered, but for what goes through `previous`; undefined: none. */
  readonly states: readonly (Value | undefined)[];
  readonly previous: Value;
  /** Gradients of sums, [height, rows], of the heights that the cell lists. */
  readonly sums: readonly Value[];
}

/** All steps of one kind, [time · rows, …]. */
export interface Walked {
  readonly previous: Value;
  readonly factors: readonly Value[];
  readonly sums: readonly Value[];
}

export interface Cell {
  /** How many values a step saves for the way back. */
  readonly savedCount: number;
  /** How many factors it leaves for the products after it. */
  readonly factorCount: number;
  /** Height of each gradient of sums that a step back gives. */
  readonly sumHeights: readonly number[];
  forward(b: GraphBuilder, step: CellStep): Stepped;
  /** @param gradients of the states that leave the step */
  backward(b: GraphBuilder, gradients: readonly Value[], saved: readonly Value[]): SteppedBack;
  /** The products that need no order, over all steps at once. Declares the recurrent kernel's gradient. */
  finish(walked: Walked): CellGradients;
}

export interface CellGradients {
  /** Of x·W + b, [time · rows, gates · units]. */
  readonly input: Value;
  /** Of h·U + b', where that is another, else the same. */
  readonly recurrent: Value;
}
