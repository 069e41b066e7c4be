/** Dense: act(x·W + b). The last one of a model stays linear here: its activation belongs to the loss. */
import type { GraphBuilder } from '../../../../../../exporters/graph/builder.ts';
import type { Value } from '../../../../../../exporters/graph/graph.ts';
import type { LayerOf } from '../../../../../../models/layers.ts';
import { activationNodes } from '../activations.ts';
import { affine, productTransposed, transposedProduct } from '../arithmetic.ts';
import type { Pass } from '../pass.ts';
import type { Forwarded, Vector } from '../signal.ts';

export function dense(pass: Pass, layer: LayerOf<'dense'>, input: Vector): Forwarded<Vector> {
  const linear = denseLinear(pass, layer, input);
  if (layer.activation === 'linear') return linear;
  const g = pass.g.scope(layer.name);
  if (layer.activation === 'softmax') {
    const y = g.softmax(linear.output.value, 1);
    return {
      output: { ...linear.output, value: y },
      backward: (gradient) => linear.backward(softmaxGradient(g, y, gradient)),
    };
  }
  const { of, slope } = activationNodes[layer.activation];
  const y = of(g, linear.output.value);
  return {
    output: { ...linear.output, value: y },
    backward: (gradient) => linear.backward(g.mul(gradient, slope(g, y))),
  };
}

/** x·W + b */
export function denseLinear(pass: Pass, layer: LayerOf<'dense'>, input: Vector): Forwarded<Vector> {
  const g = pass.g.scope(layer.name);
  const kernelName = `${layer.name}/kernel`;
  const biasName = `${layer.name}/bias`;
  const kernel = pass.weight(kernelName); // [features, units]
  const value = affine(g, input.value, kernel, layer.useBias ? pass.weight(biasName) : undefined);
  return {
    output: { kind: 'vector', features: layer.units, value, learns: true },
    backward: (gradient) => {
      pass.gradient(kernelName, transposedProduct(g, input.value, gradient));
      if (layer.useBias) pass.gradient(biasName, g.sum(gradient, 0));
      return input.learns ? productTransposed(g, gradient, kernel) : undefined;
    },
  };
}

/** dL/dxᵢ = yᵢ(dL/dyᵢ − Σⱼ yⱼ dL/dyⱼ) */
function softmaxGradient(g: GraphBuilder, y: Value, gradient: Value): Value {
  const mean = g.unsqueeze(g.sum(g.mul(y, gradient), 1), 1); // [rows, 1]
  return g.mul(y, g.sub(gradient, mean));
}
