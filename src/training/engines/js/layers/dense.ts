/** Dense: act(x·W + b). The last one of a model stays linear here: its activation belongs to the loss. */
import type { LayerOf } from '../../../../../models/layers.ts';
import { softmaxRows } from '../../../probabilities.ts';
import { activationFunctions } from '../activations.ts';
import type { Pass } from '../pass.ts';
import { addColumnSums, addProduct, addProductTransposed, addTransposedProduct } from '../products.ts';
import { type Forwarded, type Vector, vector } from '../signal.ts';

export function dense(pass: Pass, layer: LayerOf<'dense'>, input: Vector): Forwarded<Vector> {
  const linear = denseLinear(pass, layer, input);
  if (layer.activation === 'linear') return linear;
  const { features, value: sums, gradient: sumGradients } = linear.output;
  const output = vector(pass.rows, features);

  if (layer.activation === 'softmax') {
    output.value.set(sums);
    softmaxRows(output.value, pass.rows, features);
    return {
      output,
      backward: () => {
        softmaxGradient(output, sumGradients, pass.rows);
        linear.backward();
      },
    };
  }
  const { of, slope } = activationFunctions[layer.activation];
  for (let i = 0; i < sums.length; i++) output.value[i] = of(sums[i] as number);
  return {
    output,
    backward: () => {
      for (let i = 0; i < sums.length; i++) {
        sumGradients[i] = (output.gradient[i] as number) * slope(output.value[i] as number);
      }
      linear.backward();
    },
  };
}

/** x·W + b */
export function denseLinear(pass: Pass, layer: LayerOf<'dense'>, input: Vector): Forwarded<Vector> {
  const { rows } = pass;
  const { units } = layer;
  const kernelName = `${layer.name}/kernel`;
  const kernel = pass.weight(kernelName); // [features, units]
  const output = vector(rows, units);
  if (layer.useBias) {
    const bias = pass.weight(`${layer.name}/bias`);
    for (let row = 0; row < rows; row++) output.value.set(bias, row * units);
  }
  addProduct(input.value, 0, kernel, output.value, 0, rows, input.features, units);
  return {
    output,
    backward: () => {
      addTransposedProduct(input.value, output.gradient, pass.gradient(kernelName), rows, input.features, units);
      if (layer.useBias) addColumnSums(output.gradient, pass.gradient(`${layer.name}/bias`), rows, units);
      addProductTransposed(output.gradient, 0, kernel, input.gradient, 0, rows, units, input.features);
    },
  };
}

/** dL/dxᵢ = yᵢ(dL/dyᵢ − Σⱼ yⱼ dL/dyⱼ) */
function softmaxGradient(output: Vector, sumGradients: Float32Array, rows: number): void {
  const { value, gradient, features } = output;
  for (let row = 0; row < rows; row++) {
    let mean = 0;
    for (let i = row * features; i < (row + 1) * features; i++) mean += (value[i] as number) * (gradient[i] as number);
    for (let i = row * features; i < (row + 1) * features; i++) {
      sumGradients[i] = (value[i] as number) * ((gradient[i] as number) - mean);
    }
  }
}
