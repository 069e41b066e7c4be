/** The bias of a recurrent layer: a single one enters with the input, of a double one the second half with the state. */
import type { RecurrentLayer } from '../../../../../models/layers.ts';
import { gates } from '../../../../../models/plan.ts';

export interface Biases {
  /** [gates · units] */
  readonly input: Float32Array | undefined;
  readonly recurrent: Float32Array | undefined;
}

/** @param lookUp gives a tensor by name: the weights, or their gradients */
export function biases(layer: RecurrentLayer, prefix: string, lookUp: (name: string) => Float32Array): Biases {
  if (layer.bias === 'none') return { input: undefined, recurrent: undefined };
  const width = gates[layer.type] * layer.units;
  const bias = lookUp(`${prefix}/bias`);
  return {
    input: bias.subarray(0, width),
    recurrent: layer.bias === 'double' ? bias.subarray(width) : undefined,
  };
}
