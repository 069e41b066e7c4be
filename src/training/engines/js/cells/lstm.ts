/**
 * LSTM (Hochreiter and Schmidhuber, 1997; forget gate of Gers et al., 2000), gates in Keras' order i f c o:
 * i, f, o = rec(x·W + h·U + b), g = act(…), c' = f·c + i·g, h' = o·act(c').
 */
import type { LayerOf } from '../../../../../models/layers.ts';
import { activationFunctions } from '../activations.ts';
import { addColumnSums, addProduct, addProductTransposed, addTransposedProduct } from '../products.ts';
import { biases } from './biases.ts';
import type { Cell, CellInputs } from './cell.ts';
import { beginGateSums } from './gate-inputs.ts';

export function lstmCell(layer: LayerOf<'lstm'>, inputs: CellInputs): Cell {
  const { pass, prefix, previous, previousGradient } = inputs;
  const { rows, time } = pass;
  const { units } = layer;
  const width = 4 * units;
  const slot = rows * units;
  const act = activationFunctions[layer.activation];
  const recurrentAct = activationFunctions[layer.recurrentActivation];
  const recurrentKernel = pass.weight(`${prefix}/recurrent_kernel`); // [units, 4 · units]
  const bias = biases(layer, prefix, pass.weight);
  const [hidden, carry] = inputs.states as [Float32Array, Float32Array];
  const [hiddenGradient, carryGradient] = inputs.stateGradients as [Float32Array, Float32Array];
  const gate = new Float32Array(time * rows * width); // i f g o after activation; gradients of their sums on the way back
  const carryOut = new Float32Array(time * slot); // act(c')

  return {
    forward(s, t) {
      beginGateSums(inputs, [bias.input, bias.recurrent], gate, t, width);
      addProduct(previous, t * slot, recurrentKernel, gate, t * rows * width, rows, units, width);
      for (let row = 0; row < rows; row++) {
        const at = (t * rows + row) * width;
        for (let j = 0; j < units; j++) {
          const i = recurrentAct.of(gate[at + j] as number);
          const f = recurrentAct.of(gate[at + units + j] as number);
          const g = act.of(gate[at + 2 * units + j] as number);
          const o = recurrentAct.of(gate[at + 3 * units + j] as number);
          const unit = s * slot + row * units + j;
          const c = f * (carry[unit] as number) + i * g;
          const out = act.of(c);
          gate[at + j] = i;
          gate[at + units + j] = f;
          gate[at + 2 * units + j] = g;
          gate[at + 3 * units + j] = o;
          carry[unit + slot] = c;
          carryOut[t * slot + row * units + j] = out;
          hidden[unit + slot] = o * out;
        }
      }
    },

    backward(s, t) {
      for (let row = 0; row < rows; row++) {
        const at = (t * rows + row) * width;
        for (let j = 0; j < units; j++) {
          const i = gate[at + j] as number;
          const f = gate[at + units + j] as number;
          const g = gate[at + 2 * units + j] as number;
          const o = gate[at + 3 * units + j] as number;
          const unit = row * units + j;
          const out = carryOut[t * slot + unit] as number;
          const dh = hiddenGradient[unit] as number;
          const dc = (carryGradient[unit] as number) + dh * o * act.slope(out);
          gate[at + j] = dc * g * recurrentAct.slope(i);
          gate[at + units + j] = dc * (carry[s * slot + unit] as number) * recurrentAct.slope(f);
          gate[at + 2 * units + j] = dc * i * act.slope(g);
          gate[at + 3 * units + j] = dh * out * recurrentAct.slope(o);
          carryGradient[unit] = dc * f;
        }
      }
      hiddenGradient.fill(0);
      addProductTransposed(gate, t * rows * width, recurrentKernel, previousGradient, 0, rows, width, units);
    },

    finish() {
      const biasGradients = biases(layer, prefix, pass.gradient);
      addTransposedProduct(previous, gate, pass.gradient(`${prefix}/recurrent_kernel`), time * rows, units, width);
      if (biasGradients.input) addColumnSums(gate, biasGradients.input, time * rows, width);
      if (biasGradients.recurrent) addColumnSums(gate, biasGradients.recurrent, time * rows, width);
      return gate;
    },
  };
}
