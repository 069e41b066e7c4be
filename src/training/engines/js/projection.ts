/**
 * The product of a sequence with a layer's kernel: everything of a recurrent layer that does not depend on
 * its state, so it is done for all steps at once, outside the recurrence.
 */
import type { Pass } from './pass.ts';
import { addProduct, addProductTransposed, addTransposedProduct } from './products.ts';
import { type DenseSequence, denseSequence, type Forwarded, type Sequence } from './signal.ts';

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

/** The same sequence with each row's inputs multiplied by `mask` [rows, features], the same for all steps. */
export function dropInputs(pass: Pass, sequence: Sequence, mask: Float32Array): Forwarded<Sequence> {
  const { features } = sequence;
  const positions = pass.time * pass.rows;
  if (sequence.kind === 'oneHot') {
    const scale = Float32Array.from(
      { length: positions },
      (_, p) => mask[(p % pass.rows) * features + (sequence.index[p] as number)] as number,
    );
    return { output: { ...sequence, scale }, backward: () => {} };
  }
  const { output: kept, backward } = densify(pass, sequence);
  const output = denseSequence(positions, features);
  const step = pass.rows * features;
  for (let i = 0; i < output.value.length; i++) {
    output.value[i] = (kept.value[i] as number) * (mask[i % step] as number);
  }
  return {
    output,
    backward: () => {
      for (let i = 0; i < output.gradient.length; i++) {
        kept.gradient[i] = (kept.gradient[i] as number) + (output.gradient[i] as number) * (mask[i % step] as number);
      }
      backward();
    },
  };
}

/** The values of every position, for the layers that need them. */
export function densify(pass: Pass, sequence: Sequence): Forwarded<DenseSequence> {
  if (sequence.kind === 'dense') return { output: sequence, backward: () => {} };
  const { features, index } = sequence;
  const output = denseSequence(pass.time * pass.rows, features);
  if (sequence.kind === 'oneHot') {
    index.forEach((id, p) => {
      output.value[p * features + id] = 1;
    });
    return { output, backward: () => {} };
  }
  index.forEach((row, p) => {
    output.value.set(sequence.table.subarray(row * features, (row + 1) * features), p * features);
  });
  return { output, backward: () => scatterAdd(sequence.gradient, output.gradient, index, undefined, features) };
}

/** target[index[p]] += scale[p] · source[p], over rows of `width`. */
function scatterAdd(
  target: Float32Array,
  source: Float32Array,
  index: Int32Array,
  scale: Float32Array | undefined,
  width: number,
): void {
  for (let p = 0; p < index.length; p++) {
    const to = (index[p] as number) * width;
    const from = p * width;
    const factor = scale ? (scale[p] as number) : 1;
    for (let j = 0; j < width; j++) target[to + j] = (target[to + j] as number) + factor * (source[from + j] as number);
  }
}
