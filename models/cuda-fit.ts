/**
 * Which recurrent layers a GPU can run. onnxruntime's CUDA provider has cuDNN for them, and gives every node that cuDNN
 * cannot do to the CPU without a word. The conditions are those of `RNNNeedFallbackToCPU` in its
 * `core/providers/cuda/cuda_execution_provider.cc`: activations other than the usual ones or with constants, a GRU with
 * `linear_before_reset = 0`. Its others (`clip`, `input_forget`, peepholes) and `layout = 1`, which it refuses, are
 * never written by the exporter.
 */
import type { Activation } from './activations.ts';
import type { ModelSpec, RecurrentLayer } from './layers.ts';
import { recurrencesOf } from './plan.ts';

export interface CudaObstacle {
  /** Name of the layer. */
  readonly layer: string;
  /** What cuDNN cannot do. */
  readonly reason: string;
  /** What would have to be trained instead. */
  readonly remedy: string;
}

/** All that keeps recurrent layers of `spec` from a GPU; nothing when all can run there. */
export function cudaObstacles({ layers }: ModelSpec): CudaObstacle[] {
  return layers.flatMap((layer) => {
    const [recurrence] = recurrencesOf(layer); // the other direction is like it
    return recurrence ? obstaclesOf(recurrence.layer).map((obstacle) => ({ layer: layer.name, ...obstacle })) : [];
  });
}

type Obstacle = Omit<CudaObstacle, 'layer'>;

function obstaclesOf(layer: RecurrentLayer): Obstacle[] {
  const found = obstacleOfActivation('activation', layer.activation, 'tanh');
  if (layer.type === 'simpleRnn') return found;
  found.push(...obstacleOfActivation('recurrentActivation', layer.recurrentActivation, 'sigmoid'));
  if (layer.type === 'gru' && !layer.resetAfter) {
    const reason = 'resetAfter is false, and cuDNN applies the reset gate after the recurrent product only';
    found.push({ reason, remedy: 'train with resetAfter: true' });
  }
  return found;
}

function obstacleOfActivation(option: string, given: Activation, only: Activation): Obstacle[] {
  if (given === only) return [];
  return [{ reason: `${option} is ${given}, and cuDNN has ${only} only`, remedy: `train with ${option}: '${only}'` }];
}

/** One line for people: `layer gru: resetAfter is false, …; train with resetAfter: true`. */
export function describeObstacle({ layer, reason, remedy }: CudaObstacle): string {
  return `layer ${layer}: ${reason}; ${remedy}`;
}
