/** SimpleRNN (Elman, 1990): h' = act(x·W + b + h·U). */
import type { LayerOf } from '../../../../../../models/layers.ts';
import { activationNodes } from '../activations.ts';
import { affine, transposedProduct } from '../arithmetic.ts';
import type { Pass } from '../pass.ts';
import type { Cell } from './cell.ts';

export function simpleRnnCell(pass: Pass, layer: LayerOf<'simpleRnn'>, prefix: string): Cell {
  const { g } = pass;
  const act = activationNodes[layer.activation];
  const kernelName = `${prefix}/recurrent_kernel`;
  const kernel = pass.weight(kernelName); // [units, units]
  const kernelT = g.transpose(kernel, [1, 0]);
  return {
    savedCount: 1,
    factorCount: 0,
    sumHeights: [layer.units],

    forward(b, { input, previous }) {
      const hidden = act.of(b, affine(b, kernelT, previous, input));
      return { states: [hidden], save: () => [act.slope(b, hidden)], factors: [] };
    },

    backward(b, gradients, saved) {
      const [dHidden] = gradients as [string];
      const [slope] = saved as [string];
      const dSum = b.mul(dHidden, slope);
      return { states: [undefined], previous: b.matmul(kernel, dSum), sums: [dSum] };
    },

    finish({ previous, sums }) {
      const [dSums] = sums as [string];
      pass.gradient(kernelName, transposedProduct(g, previous, dSums));
      return { input: dSums, recurrent: dSums };
    },
  };
}
