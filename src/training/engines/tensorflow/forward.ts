import type { Tensor } from '@tensorflow/tfjs-core';
import type { ModelSpec } from '../../../../models/layers.ts';
import type { Weights } from '../../../../models/weights.ts';
import type { Tensorflow } from './backend.ts';
import { toLayersModel } from './to-layers-model.ts';

export interface Forward {
  /** @param ids token ids, [rows, time] */
  run(ids: Int32Array, rows: number, time: number): Promise<ForwardOutputs>;
  dispose(): void;
}

export interface ForwardOutputs {
  /** [rows, outputs] */
  readonly logits: Float32Array;
  /** [rows, outputs] */
  readonly probabilities: Float32Array;
}

/** A model as a function from ids to numbers, without tensors at its ends. */
export function createForward(
  tf: Tensorflow,
  { spec, weights }: { readonly spec: ModelSpec; readonly weights: Weights },
): Forward {
  const model = toLayersModel(tf, spec, weights);
  return {
    async run(ids, rows, time) {
      const outputs = tf.tidy(() => model.predictOnBatch(tf.tensor2d(ids, [rows, time], 'int32')) as Tensor[]);
      try {
        const [logits, probabilities] = await Promise.all(outputs.map((output) => output.data<'float32'>()));
        return { logits, probabilities } as ForwardOutputs;
      } finally {
        tf.dispose(outputs);
      }
    },
    dispose: () => {
      model.dispose();
    },
  };
}
