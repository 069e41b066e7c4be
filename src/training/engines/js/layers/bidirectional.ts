/** A recurrent layer read in both directions, and the two outputs merged. */
import type { BidirectionalLayer } from '../../../../../models/layers.ts';
import { mergedFeatures } from '../../../../../models/plan.ts';
import { walkInside } from '../../walk.ts';
import type { Pass } from '../pass.ts';
import { recur } from '../recurrence.ts';
import { type DenseSequence, denseSequence, type Forwarded, type Sequence, type Vector, vector } from '../signal.ts';

export function bidirectional(
  pass: Pass,
  layer: BidirectionalLayer,
  layerIndex: number,
  input: Sequence,
): Forwarded<Sequence | Vector> {
  const read = (direction: 'forward' | 'backward') =>
    recur(pass, layer.layer, `${layer.name}/${direction}`, input, walkInside(direction, layerIndex));
  const forward = read('forward');
  const backward = read('backward');
  const a = forward.output as DenseSequence | Vector;
  const b = backward.output as DenseSequence | Vector;
  const { units } = layer.layer;
  const count = a.value.length / units; // positions or rows
  const features = mergedFeatures(layer);
  const output = a.kind === 'vector' ? vector(pass.rows, features) : denseSequence(count, features);
  const merge = merges[layer.mergeMode];
  merge.forward(a.value, b.value, output.value, units);

  return {
    output,
    backward: () => {
      merge.backward(a, b, output.gradient, units);
      forward.backward();
      backward.backward();
    },
  };
}

interface Side {
  readonly value: Float32Array;
  readonly gradient: Float32Array;
}

interface Merge {
  forward(a: Float32Array, b: Float32Array, merged: Float32Array, units: number): void;
  backward(a: Side, b: Side, gradient: Float32Array, units: number): void;
}

/** merged = of(a, b), element by element, with the slopes in a and in b. */
function elementwise(
  of: (a: number, b: number) => number,
  slopes: (a: number, b: number) => readonly [number, number],
): Merge {
  return {
    forward: (a, b, merged) => {
      for (let i = 0; i < merged.length; i++) merged[i] = of(a[i] as number, b[i] as number);
    },
    backward: (a, b, gradient) => {
      for (let i = 0; i < gradient.length; i++) {
        const [inA, inB] = slopes(a.value[i] as number, b.value[i] as number);
        a.gradient[i] = inA * (gradient[i] as number);
        b.gradient[i] = inB * (gradient[i] as number);
      }
    },
  };
}

const concat: Merge = {
  forward: (a, b, merged, units) => {
    for (let from = 0; from < a.length; from += units) {
      merged.set(a.subarray(from, from + units), 2 * from);
      merged.set(b.subarray(from, from + units), 2 * from + units);
    }
  },
  backward: (a, b, gradient, units) => {
    for (let from = 0; from < a.gradient.length; from += units) {
      a.gradient.set(gradient.subarray(2 * from, 2 * from + units), from);
      b.gradient.set(gradient.subarray(2 * from + units, 2 * from + 2 * units), from);
    }
  },
};

const merges = {
  concat,
  sum: elementwise(
    (a, b) => a + b,
    () => [1, 1],
  ),
  ave: elementwise(
    (a, b) => (a + b) / 2,
    () => [0.5, 0.5],
  ),
  mul: elementwise(
    (a, b) => a * b,
    (a, b) => [b, a],
  ),
} as const satisfies Record<BidirectionalLayer['mergeMode'], Merge>;
