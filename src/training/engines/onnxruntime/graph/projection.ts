/**
 * The product of a sequence with a layer's kernel: everything of a recurrent layer that does not depend on its state,
 * so it is done for all steps at once, outside the loop.
 */
import type { GraphBuilder } from '../../../../../exporters/graph/builder.ts';
import type { Value } from '../../../../../exporters/graph/graph.ts';
import { affine, flatten, productTransposed, transposedProduct } from './arithmetic.ts';
import type { Pass } from './pass.ts';
import { scatterAdd } from './scatter-add.ts';
import type { Sequence } from './signal.ts';

export interface Projection {
  /** What the loop reads a step of, beside nothing else: [time, rows, …]. */
  readonly scanned: readonly Scanned[];
  /** x·W + b at a step, [rows, width]. @param step of each scanned value */
  readonly at: (b: GraphBuilder, step: readonly Value[]) => Value;
  /**
   * Declares the gradient of the kernel.
   * @param gradient of all steps, [time · rows, width]
   * @returns that of the sequence
   */
  readonly backward: (gradient: Value) => Value | undefined;
}

export interface Scanned {
  readonly name: string;
  readonly value: Value;
  readonly dataType: 'int32' | 'float32';
  /** Of one step, after the rows. */
  readonly shape: readonly number[];
}

/** @param bias [width] */
export function project(
  pass: Pass,
  sequence: Sequence,
  kernelName: string,
  bias: Value | undefined,
  width: number,
): Projection {
  const { g, index } = pass;
  const { features } = sequence;
  const scannedIndex: Scanned = { name: 'index', value: index, dataType: 'int32', shape: [] };

  switch (sequence.kind) {
    case 'dense': {
      const kernel = pass.weight(kernelName);
      const x = flatten(g, sequence.value, features);
      const value = g.node('Reshape', [affine(g, x, kernel, bias), pass.sequenceShape(width)]);
      return {
        scanned: [{ name: 'x', value, dataType: 'float32', shape: [width] }],
        at: (_, step) => step[0] as Value,
        backward: (gradient) => {
          pass.gradient(kernelName, transposedProduct(g, x, gradient));
          if (!sequence.learns) return undefined;
          return g.node('Reshape', [productTransposed(g, gradient, kernel), pass.sequenceShape(features)]);
        },
      };
    }
    case 'embedded': {
      const kernel = pass.weight(kernelName);
      const projected = affine(g, sequence.table, kernel, bias); // [unique, width]
      return {
        scanned: [scannedIndex],
        at: (b, step) => b.gather(projected, step[0] as Value, 0),
        backward: (gradient) => {
          const byRow = scatterAdd(pass, projected, gradient);
          pass.gradient(kernelName, transposedProduct(g, sequence.table, byRow));
          return productTransposed(g, byRow, kernel);
        },
      };
    }
    case 'oneHot': {
      const rows = pass.rowsOf(kernelName); // [unique, width]
      const { scale } = sequence;
      if (scale === undefined) {
        const projected = bias === undefined ? rows : g.add(rows, bias);
        return {
          scanned: [scannedIndex],
          at: (b, step) => b.gather(projected, step[0] as Value, 0),
          backward: (gradient) => {
            pass.gradient(kernelName, scatterAdd(pass, rows, gradient));
            return undefined;
          },
        };
      }
      return {
        scanned: [scannedIndex, { name: 'scale', value: scale, dataType: 'float32', shape: [1] }],
        at: (b, step) => {
          const scaled = b.mul(b.gather(rows, step[0] as Value, 0), step[1] as Value);
          return bias === undefined ? scaled : b.add(scaled, bias);
        },
        backward: (gradient) => {
          const scaled = g.mul(gradient, flatten(g, scale, 1));
          pass.gradient(kernelName, scatterAdd(pass, rows, scaled));
          return undefined;
        },
      };
    }
  }
}
