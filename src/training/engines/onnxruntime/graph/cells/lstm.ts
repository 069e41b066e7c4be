/**
 * LSTM (Hochreiter and Schmidhuber, 1997; forget gate of Gers et al., 2000), gates in Keras' order i f c o:
 * i, f, o = rec(x·W + h·U + b), g = act(…), c' = f·c + i·g, h' = o·act(c').
 */
import type { LayerOf } from '../../../../../../models/layers.ts';
import { activationNodes } from '../activations.ts';
import { affine, split, transposedProduct } from '../arithmetic.ts';
import type { Pass } from '../pass.ts';
import type { Cell } from './cell.ts';

export function lstmCell(pass: Pass, layer: LayerOf<'lstm'>, prefix: string): Cell {
  const { g } = pass;
  const { units } = layer;
  const act = activationNodes[layer.activation];
  const rec = activationNodes[layer.recurrentActivation];
  const kernelName = `${prefix}/recurrent_kernel`;
  const kernel = pass.weight(kernelName); // [units, 4 · units]
  const kernelT = g.transpose(kernel, [1, 0]);
  return {
    savedCount: 6,
    factorCount: 0,
    sumHeights: [4 * units],

    forward(b, { input, previous, states }) {
      const carry = states[1] as string;
      const sums = affine(b, kernelT, previous, input); // [4 · units, rows]
      const [sumsIF, sumG, sumO] = split(b, sums, 0, [2 * units, units, units]);
      const gatesIF = rec.of(b, sumsIF);
      const [i, f] = split(b, gatesIF, 0, [units, units]);
      const candidate = act.of(b, sumG);
      const o = rec.of(b, sumO);
      const newCarry = b.add(b.mul(f, carry), b.mul(i, candidate));
      const out = act.of(b, newCarry);
      const hidden = b.mul(o, out);
      const save = () => {
        const [slopeI, slopeF] = split(b, rec.slope(b, gatesIF), 0, [units, units]);
        return [
          b.mul(candidate, slopeI), // dc'/d of each gate's sum
          b.mul(carry, slopeF),
          b.mul(i, act.slope(b, candidate)),
          b.mul(out, rec.slope(b, o)), // dh'/d of o's sum
          b.mul(o, act.slope(b, out)), // dh'/dc'
          f, // dc'/dc
        ];
      };
      return { states: [hidden, newCarry], save, factors: [] };
    },

    backward(b, gradients, saved) {
      const [dHidden, dCarry] = gradients as [string, string];
      const [byI, byF, byG, byO, byCarry, f] = saved as [string, string, string, string, string, string];
      const dNewCarry = b.add(dCarry, b.mul(dHidden, byCarry));
      const parts = [b.mul(dNewCarry, byI), b.mul(dNewCarry, byF), b.mul(dNewCarry, byG), b.mul(dHidden, byO)];
      const dSums = b.concat(parts, 0); // [4 · units, rows]
      return { states: [undefined, b.mul(dNewCarry, f)], previous: b.matmul(kernel, dSums), sums: [dSums] };
    },

    finish({ previous, sums }) {
      const [dSums] = sums as [string];
      pass.gradient(kernelName, transposedProduct(g, previous, dSums));
      return { input: dSums, recurrent: dSums };
    },
  };
}
