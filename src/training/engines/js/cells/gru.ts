/**
 * GRU (Cho et al., 2014), gates in Keras' order z r h: h' = z·h + (1 − z)·ĥ, where the reset gate acts
 * after the recurrent product (ĥ = act(x·W + b + r·(h·U + b'))), as in Keras, cuDNN and PyTorch,
 * or before it (ĥ = act(x·W + b + (r·h)·U + b')). Recurrent dropout acts on the h of products, not on that of z·h.
 */
import type { LayerOf } from '../../../../../models/layers.ts';
import { activationFunctions } from '../activations.ts';
import { addColumnSums, addProduct, addProductTransposed, addTransposedProduct } from '../products.ts';
import { biases } from './biases.ts';
import type { Cell, CellInputs } from './cell.ts';
import { beginGateSums } from './gate-inputs.ts';

export function gruCell(layer: LayerOf<'gru'>, inputs: CellInputs): Cell {
  return layer.resetAfter ? resetAfterCell(layer, inputs) : resetBeforeCell(layer, inputs);
}

function resetAfterCell(layer: LayerOf<'gru'>, inputs: CellInputs): Cell {
  const { pass, prefix, previous, previousGradient } = inputs;
  const { rows, time } = pass;
  const { units } = layer;
  const width = 3 * units;
  const slot = rows * units;
  const act = activationFunctions[layer.activation];
  const recurrentAct = activationFunctions[layer.recurrentActivation];
  const recurrentKernel = pass.weight(`${prefix}/recurrent_kernel`); // [units, 3 · units]
  const bias = biases(layer, prefix, pass.weight);
  const [hidden] = inputs.states as [Float32Array];
  const [hiddenGradient] = inputs.stateGradients as [Float32Array];
  const gate = new Float32Array(time * rows * width); // z r ĥ after activation; gradients of x·W + b on the way back
  const recurrent = new Float32Array(time * rows * width); // h·U + b'; its gradient on the way back

  return {
    forward(s, t) {
      beginGateSums(inputs, [bias.input], gate, t, width);
      for (let row = 0; bias.recurrent && row < rows; row++) recurrent.set(bias.recurrent, (t * rows + row) * width);
      addProduct(previous, t * slot, recurrentKernel, recurrent, t * rows * width, rows, units, width);
      for (let row = 0; row < rows; row++) {
        const at = (t * rows + row) * width;
        for (let j = 0; j < units; j++) {
          const z = recurrentAct.of((gate[at + j] as number) + (recurrent[at + j] as number));
          const r = recurrentAct.of((gate[at + units + j] as number) + (recurrent[at + units + j] as number));
          const candidate = act.of(
            (gate[at + 2 * units + j] as number) + r * (recurrent[at + 2 * units + j] as number),
          );
          const unit = row * units + j;
          gate[at + j] = z;
          gate[at + units + j] = r;
          gate[at + 2 * units + j] = candidate;
          hidden[(s + 1) * slot + unit] = z * (hidden[s * slot + unit] as number) + (1 - z) * candidate;
        }
      }
    },

    backward(s, t) {
      for (let row = 0; row < rows; row++) {
        const at = (t * rows + row) * width;
        for (let j = 0; j < units; j++) {
          const z = gate[at + j] as number;
          const r = gate[at + units + j] as number;
          const candidate = gate[at + 2 * units + j] as number;
          const unit = row * units + j;
          const dh = hiddenGradient[unit] as number;
          const dz = dh * ((hidden[s * slot + unit] as number) - candidate) * recurrentAct.slope(z);
          const dCandidate = dh * (1 - z) * act.slope(candidate);
          const dr = dCandidate * (recurrent[at + 2 * units + j] as number) * recurrentAct.slope(r);
          gate[at + j] = recurrent[at + j] = dz;
          gate[at + units + j] = recurrent[at + units + j] = dr;
          gate[at + 2 * units + j] = dCandidate;
          recurrent[at + 2 * units + j] = dCandidate * r;
          hiddenGradient[unit] = dh * z;
        }
      }
      addProductTransposed(recurrent, t * rows * width, recurrentKernel, previousGradient, 0, rows, width, units);
    },

    finish() {
      const biasGradients = biases(layer, prefix, pass.gradient);
      addTransposedProduct(previous, recurrent, pass.gradient(`${prefix}/recurrent_kernel`), time * rows, units, width);
      if (biasGradients.input) addColumnSums(gate, biasGradients.input, time * rows, width);
      if (biasGradients.recurrent) addColumnSums(recurrent, biasGradients.recurrent, time * rows, width);
      return gate;
    },
  };
}

function resetBeforeCell(layer: LayerOf<'gru'>, inputs: CellInputs): Cell {
  const { pass, prefix, previous, previousGradient } = inputs;
  const { rows, time } = pass;
  const { units } = layer;
  const width = 3 * units;
  const slot = rows * units;
  const act = activationFunctions[layer.activation];
  const recurrentAct = activationFunctions[layer.recurrentActivation];
  const recurrentKernel = pass.weight(`${prefix}/recurrent_kernel`);
  const gateKernel = columns(recurrentKernel, units, width, 0, 2 * units); // of z and r
  const candidateKernel = columns(recurrentKernel, units, width, 2 * units, units);
  const bias = biases(layer, prefix, pass.weight);
  const [hidden] = inputs.states as [Float32Array];
  const [hiddenGradient] = inputs.stateGradients as [Float32Array];
  const gate = new Float32Array(time * rows * width); // z r ĥ after activation; gradients of their sums on the way back
  const reset = new Float32Array(time * slot); // r·h
  const gateSums = new Float32Array(rows * 2 * units); // h·U of z and r, one step
  const candidateSums = new Float32Array(slot); // (r·h)·U of ĥ, one step
  const resetGradient = new Float32Array(slot);
  const gateGradients = new Float32Array(time * rows * 2 * units); // the columns z and r of the gradients in `gate`
  const candidateGradients = new Float32Array(time * slot); // the column ĥ

  return {
    forward(s, t) {
      beginGateSums(inputs, [bias.input, bias.recurrent], gate, t, width);
      gateSums.fill(0);
      addProduct(previous, t * slot, gateKernel, gateSums, 0, rows, units, 2 * units);
      for (let row = 0; row < rows; row++) {
        const at = (t * rows + row) * width;
        for (let j = 0; j < 2 * units; j++) {
          gate[at + j] = recurrentAct.of((gate[at + j] as number) + (gateSums[row * 2 * units + j] as number));
        }
        for (let j = 0; j < units; j++) {
          const unit = t * slot + row * units + j;
          reset[unit] = (gate[at + units + j] as number) * (previous[unit] as number);
        }
      }
      candidateSums.fill(0);
      addProduct(reset, t * slot, candidateKernel, candidateSums, 0, rows, units, units);
      for (let row = 0; row < rows; row++) {
        const at = (t * rows + row) * width;
        for (let j = 0; j < units; j++) {
          const unit = row * units + j;
          const z = gate[at + j] as number;
          const candidate = act.of((gate[at + 2 * units + j] as number) + (candidateSums[unit] as number));
          gate[at + 2 * units + j] = candidate;
          hidden[(s + 1) * slot + unit] = z * (hidden[s * slot + unit] as number) + (1 - z) * candidate;
        }
      }
    },

    backward(s, t) {
      for (let row = 0; row < rows; row++) {
        const at = (t * rows + row) * width;
        for (let j = 0; j < units; j++) {
          const unit = row * units + j;
          const candidate = gate[at + 2 * units + j] as number;
          candidateGradients[t * slot + unit] =
            (hiddenGradient[unit] as number) * (1 - (gate[at + j] as number)) * act.slope(candidate);
        }
      }
      resetGradient.fill(0);
      addProductTransposed(candidateGradients, t * slot, candidateKernel, resetGradient, 0, rows, units, units);
      for (let row = 0; row < rows; row++) {
        const at = (t * rows + row) * width;
        for (let j = 0; j < units; j++) {
          const unit = row * units + j;
          const z = gate[at + j] as number;
          const r = gate[at + units + j] as number;
          const candidate = gate[at + 2 * units + j] as number;
          const h = hidden[s * slot + unit] as number;
          const dh = hiddenGradient[unit] as number;
          const dReset = resetGradient[unit] as number;
          const to = (t * rows + row) * 2 * units + j;
          gate[at + j] = gateGradients[to] = dh * (h - candidate) * recurrentAct.slope(z);
          gate[at + units + j] = gateGradients[to + units] =
            dReset * (previous[t * slot + unit] as number) * recurrentAct.slope(r);
          gate[at + 2 * units + j] = candidateGradients[t * slot + unit] as number;
          hiddenGradient[unit] = dh * z;
          previousGradient[unit] = dReset * r;
        }
      }
      const from = t * rows * 2 * units;
      addProductTransposed(gateGradients, from, gateKernel, previousGradient, 0, rows, 2 * units, units);
    },

    finish() {
      const kernelGradient = pass.gradient(`${prefix}/recurrent_kernel`);
      const ofGates = new Float32Array(units * 2 * units);
      const ofCandidate = new Float32Array(units * units);
      addTransposedProduct(previous, gateGradients, ofGates, time * rows, units, 2 * units);
      addTransposedProduct(reset, candidateGradients, ofCandidate, time * rows, units, units);
      addColumns(kernelGradient, ofGates, units, width, 0, 2 * units);
      addColumns(kernelGradient, ofCandidate, units, width, 2 * units, units);
      const biasGradients = biases(layer, prefix, pass.gradient);
      if (biasGradients.input) addColumnSums(gate, biasGradients.input, time * rows, width);
      if (biasGradients.recurrent) addColumnSums(gate, biasGradients.recurrent, time * rows, width);
      return gate;
    },
  };
}

/** Columns from … from + count of a matrix [rows, width], as a matrix of its own. */
function columns(matrix: Float32Array, rows: number, width: number, from: number, count: number): Float32Array {
  const part = new Float32Array(rows * count);
  for (let row = 0; row < rows; row++) {
    part.set(matrix.subarray(row * width + from, row * width + from + count), row * count);
  }
  return part;
}

/** Adds `part` [rows, count] to those columns. */
function addColumns(
  matrix: Float32Array,
  part: Float32Array,
  rows: number,
  width: number,
  from: number,
  count: number,
): void {
  for (let row = 0; row < rows; row++) {
    for (let j = 0; j < count; j++) {
      const at = row * width + from + j;
      matrix[at] = (matrix[at] as number) + (part[row * count + j] as number);
    }
  }
}
