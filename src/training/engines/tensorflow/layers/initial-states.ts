import type { Rank, Tensor2D } from '@tensorflow/tfjs-core';
import type { RecurrentLayer } from '../../../../../models/layers.ts';
import { stateNames } from '../../../../../models/plan.ts';
import type { Batch } from '../../../engine.ts';
import type { Tensorflow } from '../backend.ts';

/** States before the first step, [batch, units] each: those of the batch, by the names of `ModelPlan.states`, else zeros. */
export function initialStates(
  tf: Tensorflow,
  layer: RecurrentLayer,
  prefix: string,
  batch: number,
  given: Batch['initialStates'],
): Tensor2D[] {
  return stateNames[layer.type].map((name) => {
    const values = given?.get(`${prefix}/${name}`);
    return values ? tf.tensor2d(values, [batch, layer.units]) : tf.zeros<Rank.R2>([batch, layer.units]);
  });
}
