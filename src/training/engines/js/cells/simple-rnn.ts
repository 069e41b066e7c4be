/** SimpleRNN: h' = act(x·W + h·U + b). */
import type { LayerOf } from '../../../../../models/layers.ts';
import { activationFunctions } from '../activations.ts';
import { addColumnSums, addProduct, addProductTransposed, addTransposedProduct } from '../products.ts';
import { biases } from './biases.ts';
import type { Cell, CellInputs } from './cell.ts';
import { beginGateSums } from './gate-inputs.ts';

export function simpleRnnCell(layer: LayerOf<'simpleRnn'>, inputs: CellInputs): Cell {
  const { pass, prefix, previous, previousGradient } = inputs;
  const { rows, time } = pass;
  const { units } = layer;
  const slot = rows * units;
  const act = activationFunctions[layer.activation];
  const recurrentKernel = pass.weight(`${prefix}/recurrent_kernel`); // [units, units]
  const bias = biases(layer, prefix, pass.weight);
  const [hidden] = inputs.states as [Float32Array];
  const [hiddenGradient] = inputs.stateGradients as [Float32Array];
  const sums = new Float32Array(time * slot); // x·W + h·U + b; its gradient on the way back

  return {
    forward(s, t) {
      beginGateSums(inputs, [bias.input, bias.recurrent], sums, t, units);
      addProduct(previous, t * slot, recurrentKernel, sums, t * slot, rows, units, units);
      for (let i = 0; i < slot; i++) hidden[(s + 1) * slot + i] = act.of(sums[t * slot + i] as number);
    },

    backward(s, t) {
      for (let i = 0; i < slot; i++) {
        sums[t * slot + i] = (hiddenGradient[i] as number) * act.slope(hidden[(s + 1) * slot + i] as number);
      }
      hiddenGradient.fill(0);
      addProductTransposed(sums, t * slot, recurrentKernel, previousGradient, 0, rows, units, units);
    },

    finish() {
      const biasGradients = biases(layer, prefix, pass.gradient);
      addTransposedProduct(previous, sums, pass.gradient(`${prefix}/recurrent_kernel`), time * rows, units, units);
      if (biasGradients.input) addColumnSums(sums, biasGradients.input, time * rows, units);
      if (biasGradients.recurrent) addColumnSums(sums, biasGradients.recurrent, time * rows, units);
      return sums;
    },
  };
}
