/**
 * GRU (Cho et al., 2014), gates in Keras' order z r h: h' = z·h + (1 − z)·ĥ, where the reset gate acts
 * after the recurrent product (ĥ = act(x·W + b + r·(h·U + b'))), as in Keras, cuDNN and PyTorch,
 * or before it (ĥ = act(x·W + b + (r·h)·U + b')). Recurrent dropout acts on the h of products, not on that of z·h.
 */
import type { LayerOf } from '../../../../../../models/layers.ts';
import { activationNodes } from '../activations.ts';
import { affine, split, transposedProduct } from '../arithmetic.ts';
import type { Pass } from '../pass.ts';
import type { Cell } from './cell.ts';

export function gruCell(pass: Pass, layer: LayerOf<'gru'>, prefix: string): Cell {
  return layer.resetAfter ? resetAfterCell(pass, layer, prefix) : resetBeforeCell(pass, layer, prefix);
}

function resetAfterCell(pass: Pass, layer: LayerOf<'gru'>, prefix: string): Cell {
  const { g } = pass;
  const { units } = layer;
  const act = activationNodes[layer.activation];
  const rec = activationNodes[layer.recurrentActivation];
  const kernelName = `${prefix}/recurrent_kernel`;
  const kernel = pass.weight(kernelName); // [units, 3 · units]
  const kernelT = g.transpose(kernel, [1, 0]);
  const bias =
    layer.bias === 'double' ? g.unsqueeze(g.gather(pass.weight(`${prefix}/bias`), g.int64(1), 0), 1) : undefined;
  return {
    savedCount: 5,
    factorCount: 0,
    sumHeights: [3 * units, 3 * units],

    forward(b, { input, previous, states }) {
      const [hidden] = states as [string];
      const [inputZR, inputH] = split(b, input, 0, [2 * units, units]);
      const [recurrentZR, recurrentH] = split(b, affine(b, kernelT, previous, bias), 0, [2 * units, units]);
      const gatesZR = rec.of(b, b.add(inputZR, recurrentZR));
      const [z, r] = split(b, gatesZR, 0, [units, units]);
      const candidate = act.of(b, b.add(inputH, b.mul(r, recurrentH)));
      const further = b.sub(hidden, candidate);
      const save = () => {
        const [slopeZ, slopeR] = split(b, rec.slope(b, gatesZR), 0, [units, units]);
        return [
          b.mul(further, slopeZ), // dh'/d of z's sum
          b.mul(recurrentH, slopeR), // d of ĥ's sum/d of r's
          b.mul(b.sub(b.float32(1), z), act.slope(b, candidate)), // dh'/d of ĥ's sum
          z,
          r,
        ];
      };
      return { states: [b.add(candidate, b.mul(z, further))], save, factors: [] };
    },

    backward(b, gradients, saved) {
      const [dHidden] = gradients as [string];
      const [byZ, byR, byH, z, r] = saved as [string, string, string, string, string];
      const dZ = b.mul(dHidden, byZ);
      const dH = b.mul(dHidden, byH);
      const dR = b.mul(dH, byR);
      const dRecurrent = b.concat([dZ, dR, b.mul(dH, r)], 0); // [3 · units, rows]
      return {
        states: [b.mul(dHidden, z)],
        previous: b.matmul(kernel, dRecurrent),
        sums: [b.concat([dZ, dR, dH], 0), dRecurrent],
      };
    },

    finish({ previous, sums }) {
      const [dInput, dRecurrent] = sums as [string, string];
      pass.gradient(kernelName, transposedProduct(g, previous, dRecurrent));
      return { input: dInput, recurrent: dRecurrent };
    },
  };
}

function resetBeforeCell(pass: Pass, layer: LayerOf<'gru'>, prefix: string): Cell {
  const { g } = pass;
  const { units } = layer;
  const act = activationNodes[layer.activation];
  const rec = activationNodes[layer.recurrentActivation];
  const kernelName = `${prefix}/recurrent_kernel`;
  const [gateKernel, candidateKernel] = split(g, pass.weight(kernelName), 1, [2 * units, units]);
  const gateKernelT = g.transpose(gateKernel, [1, 0]);
  const candidateKernelT = g.transpose(candidateKernel, [1, 0]);
  return {
    savedCount: 5,
    factorCount: 1,
    sumHeights: [3 * units],

    forward(b, { input, previous, states }) {
      const [hidden] = states as [string];
      const [inputZR, inputH] = split(b, input, 0, [2 * units, units]);
      const gatesZR = rec.of(b, affine(b, gateKernelT, previous, inputZR));
      const [z, r] = split(b, gatesZR, 0, [units, units]);
      const reset = b.mul(r, previous);
      const candidate = act.of(b, affine(b, candidateKernelT, reset, inputH));
      const further = b.sub(hidden, candidate);
      const save = () => {
        const [slopeZ, slopeR] = split(b, rec.slope(b, gatesZR), 0, [units, units]);
        return [
          b.mul(further, slopeZ), // dh'/d of z's sum
          b.mul(previous, slopeR), // d(r·h)/d of r's sum
          b.mul(b.sub(b.float32(1), z), act.slope(b, candidate)), // dh'/d of ĥ's sum
          z,
          r,
        ];
      };
      return { states: [b.add(candidate, b.mul(z, further))], save, factors: [reset] };
    },

    backward(b, gradients, saved) {
      const [dHidden] = gradients as [string];
      const [byZ, byR, byH, z, r] = saved as [string, string, string, string, string];
      const dH = b.mul(dHidden, byH);
      const dReset = b.matmul(candidateKernel, dH);
      const dGates = b.concat([b.mul(dHidden, byZ), b.mul(dReset, byR)], 0); // [2 · units, rows]
      return {
        states: [b.mul(dHidden, z)],
        previous: b.add(b.matmul(gateKernel, dGates), b.mul(dReset, r)),
        sums: [b.concat([dGates, dH], 0)],
      };
    },

    finish({ previous, factors, sums }) {
      const [dSums] = sums as [string];
      const [reset] = factors as [string];
      const [dGates, dCandidate] = split(g, dSums, 1, [2 * units, units]);
      const parts = [transposedProduct(g, previous, dGates), transposedProduct(g, reset, dCandidate)];
      pass.gradient(kernelName, g.concat(parts, 1));
      return { input: dSums, recurrent: dSums };
    },
  };
}
