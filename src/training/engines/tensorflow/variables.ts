/** The weights of a model, which only the optimiser changes. */
import type { LayersModel, LayerVariable } from '@tensorflow/tfjs-layers';
import type { Tensor, Weights } from '../../../../models/weights.ts';
import type { Tensorflow } from './backend.ts';

/** By name of the spec. */
export type Variables = ReadonlyMap<string, LayerVariable>;

export function variablesOf(model: LayersModel): Variables {
  return new Map(model.weights.map((variable) => [variable.originalName, variable]));
}

export function readWeights(variables: Variables): Weights {
  return new Map(
    [...variables].map(([name, variable]) => {
      const value = variable.read();
      return [name, { shape: [...value.shape], data: value.dataSync<'float32'>().slice() }];
    }),
  );
}

export function writeWeights(tf: Tensorflow, variables: Variables, weights: Weights): void {
  tf.tidy(() => {
    for (const [name, variable] of variables) {
      const { data, shape } = weights.get(name) as Tensor;
      variable.write(tf.tensor(data.slice(), [...shape]));
    }
  });
}
