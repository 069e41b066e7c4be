import type { RecurrentLayer } from '../../../../../models/layers.ts';
import { recurrentParameters } from '../../../../../models/plan.ts';

export interface WeightShape {
  /** `kernel`, `recurrent_kernel` or `bias`. */
  readonly name: string;
  readonly shape: number[];
}

/** The weights of one direction in the order of the plan: kernel, recurrent kernel and, if there is one, bias. */
export function weightShapes(layer: RecurrentLayer, features: number): WeightShape[] {
  return recurrentParameters(layer, features, layer.name).map(({ name, shape }) => ({
    name: name.slice(layer.name.length + 1),
    shape: [...shape],
  }));
}
