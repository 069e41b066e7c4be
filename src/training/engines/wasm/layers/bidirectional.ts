/** A recurrent layer read in both directions, and the two outputs merged. */
import type { BidirectionalLayer } from '../../../../../models/layers.ts';
import { mergedFeatures } from '../../../../../models/plan.ts';
import { walkInside } from '../../walk.ts';
import { recur } from '../recurrence.ts';
import { type DenseSequence, denseSequence, type Sequence, type Stage, type Vector, vector } from '../signal.ts';
import { valueBytes, type Workspace } from '../workspace.ts';

export function bidirectional(
  workspace: Workspace,
  layer: BidirectionalLayer,
  layerIndex: number,
  input: Sequence,
): Stage<DenseSequence | Vector> {
  const read = (direction: 'forward' | 'backward') =>
    recur(workspace, layer.layer, `${layer.name}/${direction}`, input, walkInside(direction, layerIndex));
  const a = read('forward');
  const b = read('backward');
  const features = mergedFeatures(layer);
  const count = layer.layer.returnSequences ? workspace.positions : workspace.groups;
  const output = layer.layer.returnSequences ? denseSequence(workspace, features) : vector(workspace, features);
  const merge = merges[layer.mergeMode]({
    workspace,
    a: a.output,
    b: b.output,
    output,
    units: layer.layer.units,
    count,
  });

  return {
    output,
    forward: () => {
      a.forward();
      b.forward();
      merge.forward();
    },
    backward: () => {
      merge.backward();
      a.backward();
      b.backward();
    },
  };
}

interface Merging {
  readonly workspace: Workspace;
  readonly a: DenseSequence | Vector;
  readonly b: DenseSequence | Vector;
  readonly output: DenseSequence | Vector;
  readonly units: number;
  /** Groups of `a`, of `b` and of the output. */
  readonly count: number;
}

type Merge = (merging: Merging) => { readonly forward: () => void; readonly backward: () => void };

const concat: Merge = ({ workspace: { kernels }, a, b, output, units, count }) => {
  const part = valueBytes(units);
  return {
    forward: () => {
      kernels.copyStrided(output.value, 2 * part, a.value, part, part, count);
      kernels.copyStrided(output.value + part, 2 * part, b.value, part, part, count);
    },
    backward: () => {
      kernels.copyStrided(a.gradient, part, output.gradient, 2 * part, part, count);
      kernels.copyStrided(b.gradient, part, output.gradient + part, 2 * part, part, count);
    },
  };
};

const scaledSum =
  (factor: number): Merge =>
  ({ workspace: { kernels }, a, b, output, units, count }) => {
    const bytes = valueBytes(units) * count;
    return {
      forward: () => kernels.scaledSum(output.value, a.value, b.value, factor, bytes),
      backward: () => {
        kernels.scale(a.gradient, output.gradient, factor, bytes);
        kernels.scale(b.gradient, output.gradient, factor, bytes);
      },
    };
  };

const product: Merge = ({ workspace: { kernels }, a, b, output, units, count }) => {
  const bytes = valueBytes(units) * count;
  return {
    forward: () => kernels.multiply(output.value, a.value, b.value, bytes, bytes),
    backward: () => {
      kernels.multiply(a.gradient, output.gradient, b.value, bytes, bytes);
      kernels.multiply(b.gradient, output.gradient, a.value, bytes, bytes);
    },
  };
};

const merges = {
  concat,
  sum: scaledSum(1),
  ave: scaledSum(0.5),
  mul: product,
} as const satisfies Record<BidirectionalLayer['mergeMode'], Merge>;
