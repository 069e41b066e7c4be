/**
 * What a step of the `tensorflow` engine holds at most: the tape keeps what the way back needs until its end, and the
 * gradients of a layer come on top. Counted in values a position, generously, as TensorFlow frees what it no longer
 * needs; the library itself is not counted.
 */

import type { RecurrentLayer } from '../../../../models/layers.ts';
import { gates, type LayerPlan, planModel, recurrencesOf, type Shape } from '../../../../models/plan.ts';
import type { EngineLoad, MemoryPart } from '../../engine.ts';
import { parameterMemory } from '../../memory.ts';

const bytesPerValue = 4;

export function tensorflowMemory(load: EngineLoad): readonly MemoryPart[] {
  const { rows, time } = load;
  const values = planModel(load.spec).layers.reduce((sum, plan) => sum + valuesOf(plan, rows, time), 0);
  return [parameterMemory(load, 2), { what: 'values and gradients of a step', bytes: bytesPerValue * values }];
}

/** Values and gradients of a layer, of its input in the order of reading, and of what is kept of every step. */
function valuesOf({ layer, input, output }: LayerPlan, rows: number, time: number): number {
  const size = (shape: Shape) =>
    shape.kind === 'ids' ? 0 : shape.features * rows * (shape.kind === 'sequence' ? time : 1);
  return recurrencesOf(layer).reduce(
    (sum, recurrence) => sum + walked(recurrence.layer, size(input), rows * time),
    2 * size(input) + 2 * size(output),
  );
}

/** Inputs reordered, and each gate's sum, value, factor and gradient, with as many copies as there are while stacking. */
function walked(layer: RecurrentLayer, inputs: number, positions: number): number {
  return 4 * inputs + 10 * (gates[layer.type] + 1) * layer.units * positions;
}
