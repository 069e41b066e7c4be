import { cudaObstacles, describeObstacle } from '../../../models/cuda-fit.ts';
import type { ModelSpec } from '../../../models/layers.ts';
import { planModel } from '../../../models/plan.ts';

/** Lines on what a GPU can run of a model, for a table of facts; none for a model without recurrent layers. */
export function cudaFacts(spec: ModelSpec): (readonly [name: string, value: string])[] {
  if (planModel(spec).states.length === 0) return [];
  const obstacles = cudaObstacles(spec);
  if (obstacles.length === 0) return [['on CUDA', 'every recurrent layer can run on a GPU']];
  return obstacles.map((obstacle, index) => [index ? '' : 'not on CUDA', describeObstacle(obstacle)]);
}
