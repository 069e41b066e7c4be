/**
 * The product of a sequence with a layer's kernel: everything of a recurrent layer that does not depend on
 * its state, so it is done for all steps at once, outside the recurrence.
 */
import type { Pass } from './pass.ts';
import { addProduct, addProductTransposed, addTransposedProduct } from './products.ts';
import { scatterAdd } from './scatter-add.ts';
import type { Sequence } from './signal.ts';

export interface Projection {
  /** [count, width] */
  readonly values: Float32Array;
  /** Row of `values` of each position; undefined: row p is position p. */
  readonly index: Int32Array | undefined;
  /** What a row is multiplied by at each position; undefined: 1. */
  readonly scale: Float32Array | undefined;
  /** Takes the gradient of every position [time, rows, width] back to the kernel and to the sequence. */
  readonly backward: (gradient: Float32Array) => void;
}

/** sequence · kernel, with kernel [features, width]. */
export function project(pass: Pass, sequence: Sequence, kernelName: string, width: number): Projection {
  const kernel = pass.weight(kernelName);
  const kernelGradient = pass.gradient(kernelName);
  const positions = pass.time * pass.rows;
  const { features } = sequence;

  switch (sequence.kind) {
    case 'dense': {
      const values = new Float32Array(positions * width);
      addProduct(sequence.value, 0, kernel, values, 0, positions, features, width);
      return {
        values,
        index: undefined,
        scale: undefined,
        backward: (gradient) => {
          addTransposedProduct(sequence.value, gradient, kernelGradient, positions, features, width);
          addProductTransposed(gradient, 0, kernel, sequence.gradient, 0, positions, width, features);
        },
      };
    }
    case 'embedded': {
      const { table, index } = sequence;
      const unique = table.length / features;
      const values = new Float32Array(unique * width);
      addProduct(table, 0, kernel, values, 0, unique, features, width);
      return {
        values,
        index,
        scale: undefined,
        backward: (gradient) => {
          const byRow = new Float32Array(unique * width);
          scatterAdd(byRow, gradient, index, undefined, width);
          addTransposedProduct(table, byRow, kernelGradient, unique, features, width);
          addProductTransposed(byRow, 0, kernel, sequence.gradient, 0, unique, width, features);
        },
      };
    }
    case 'oneHot': {
      const { index, scale } = sequence;
      return {
        values: kernel,
        index,
        scale,
        backward: (gradient) => scatterAdd(kernelGradient, gradient, index, scale, width),
      };
    }
  }
}
