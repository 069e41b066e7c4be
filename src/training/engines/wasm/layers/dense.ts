/** Dense: act(x·W + b). The last one of a model stays linear here: its activation belongs to the loss. */
import type { LayerOf } from '../../../../../models/layers.ts';
import { activationCode } from '../kernels.ts';
import { type Stage, type Vector, vector } from '../signal.ts';
import { valueBytes, type Workspace } from '../workspace.ts';

export function dense(workspace: Workspace, layer: LayerOf<'dense'>, input: Vector): Stage<Vector> {
  const linear = denseLinear(workspace, layer, input);
  const { activation } = layer;
  if (activation === 'linear') return linear;
  const { kernels, groups } = workspace;
  const sums = linear.output;
  const { features } = sums;
  const output = vector(workspace, features);
  const bytes = valueBytes(features) * groups;

  if (activation === 'softmax') {
    return {
      output,
      forward: () => {
        linear.forward();
        kernels.softmaxForward(output.value, sums.value, features, groups);
      },
      backward: () => {
        kernels.softmaxBackward(sums.gradient, output.value, output.gradient, features, groups);
        linear.backward();
      },
    };
  }
  const code = activationCode(activation);
  return {
    output,
    forward: () => {
      linear.forward();
      kernels.activateRange(code, output.value, sums.value, bytes);
    },
    backward: () => {
      kernels.activationGradient(code, sums.gradient, output.value, output.gradient, bytes);
      linear.backward();
    },
  };
}

/** x·W + b */
export function denseLinear(workspace: Workspace, layer: LayerOf<'dense'>, input: Vector): Stage<Vector> {
  const { kernels, groups } = workspace;
  const { units } = layer;
  const { features } = input;
  const kernel = workspace.weight(`${layer.name}/kernel`); // [features, units]
  const kernelGradient = workspace.gradient(`${layer.name}/kernel`);
  const bias = layer.useBias ? workspace.weight(`${layer.name}/bias`) : 0;
  const biasGradient = layer.useBias ? workspace.gradient(`${layer.name}/bias`) : 0;
  const packed = workspace.reserve(features * units);
  const scratch = workspace.outerScratch(features);
  const output = vector(workspace, units);
  return {
    output,
    forward: () => {
      kernels.pack(packed, kernel, features, units, units, 1);
      kernels.broadcast(output.value, bias, units, groups);
      kernels.addProducts(output.value, input.value, packed, features, units, groups);
    },
    backward: () => {
      kernels.addOuter(kernelGradient, input.value, output.gradient, features, units, groups, units, units, scratch);
      if (bias) kernels.addColumnSums(biasGradient, output.gradient, units, groups);
      kernels.pack(packed, kernel, units, features, 1, units);
      kernels.addProducts(input.gradient, output.gradient, packed, units, features, groups);
    },
  };
}
