/** TensorFlow.js as a contender: a `tf.LayersModel` trained by `trainOnBatch`, in plain JavaScript or natively. */
import { availableParallelism } from 'node:os';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { RecurrentError } from '../../../core/errors.ts';
import type { Batch } from '../../../training/engine.ts';
import { loadTensorflow, type Tensorflow } from '../../../training/engines/tensorflow/backend.ts';
import { toLayersModel } from '../../../training/engines/tensorflow/to-layers-model.ts';
import { adam, type OptimiserOptions } from '../../../training/optimisers.ts';
import type { Contender, OpenContender } from '../contender.ts';
import { firstRows, type Problem } from '../problem.ts';
import { takeTurn } from '../turn.ts';

/** Each by the name that TensorFlow.js gives it. */
const backends = { 'tfjs-cpu': 'cpu', 'tfjs-node': 'tensorflow' } as const;
type TensorflowName = keyof typeof backends;

/** As in contenders/engine.ts: a step of plain SGD shows the gradient. */
const gradientScale = 2 ** 20;

/** @returns why it is not there, as text */
export async function tensorflowContender(name: TensorflowName, threads: number): Promise<Contender | string> {
  const used = name === 'tfjs-cpu' ? 1 : availableParallelism();
  if (threads !== used)
    return `it computes with ${used} ${used === 1 ? 'thread' : 'threads'} and cannot be told otherwise`;
  try {
    const { tf, note } = await loadTensorflow();
    const backend = backends[name];
    if (tf.findBackend(backend) === null) return note.split('; ').slice(1).join('; ');
    return {
      name,
      threads: used,
      version: `TensorFlow.js ${tf.version_core}`,
      ownMasks: true,
      slow: name === 'tfjs-cpu',
      async open(problem) {
        if (
          problem.spec.layers.some((layer) => 'dropout' in layer && (layer.dropout > 0 || layer.recurrentDropout > 0))
        ) {
          return 'its recurrent layers cannot train with dropout here';
        }
        return openModel(tf, backend, problem);
      },
      close: async () => {},
    };
  } catch (error) {
    if (error instanceof RecurrentError && error.code === 'ENGINE_MISSING') return `${error.message}. ${error.hint}`;
    throw error;
  }
}

function openModel(tf: Tensorflow, backend: string, { spec, weights, batches }: Problem): OpenContender {
  let model: LayersModel | undefined;

  function build(): LayersModel {
    model?.dispose();
    const whole = toLayersModel(tf, spec, weights);
    const [, probabilities] = whole.outputs;
    model = tf.model({ inputs: whole.inputs, outputs: probabilities as NonNullable<typeof probabilities> });
    return model;
  }

  async function step(trained: LayersModel, { rows, time, ids, targets }: Batch): Promise<number> {
    const [x, y] = [tf.tensor2d(ids, [rows, time], 'int32'), tf.tensor2d(Float32Array.from(targets), [rows, 1])];
    const loss = await trained.trainOnBatch(x, y);
    tf.dispose([x, y]);
    return loss as number;
  }

  let training: LayersModel | undefined;
  function trained(learningRate: number): LayersModel {
    if (training) return training;
    training = build();
    const { beta1, beta2, epsilon } = adam as Extract<OptimiserOptions, { type: 'adam' }>;
    training.compile({ optimizer: tf.train.adam(learningRate, beta1, beta2, epsilon), loss: 'binaryCrossentropy' });
    return training;
  }

  return {
    async gradients(rows) {
      await tf.setBackend(backend);
      const plain = build();
      plain.compile({ optimizer: tf.train.sgd(gradientScale), loss: 'binaryCrossentropy' });
      const loss = await step(plain, firstRows(batches[0] as Batch, rows));
      const gradients = new Map<string, Float32Array>();
      for (const variable of plain.weights) {
        const before = weights.get(variable.originalName)?.data ?? new Float32Array();
        const after = await variable.read().data();
        gradients.set(
          variable.originalName,
          before.map((value, i) => (value - (after[i] as number)) / gradientScale),
        );
      }
      return { loss, gradients };
    },
    async losses(steps, learningRate) {
      await tf.setBackend(backend);
      const model = trained(learningRate);
      const losses: number[] = [];
      for (let number = 0; number < steps; number++)
        losses.push(await step(model, batches[number % batches.length] as Batch));
      return losses;
    },
    async time(milliseconds, learningRate) {
      await tf.setBackend(backend);
      const model = trained(learningRate);
      return takeTurn(milliseconds, (number) => step(model, batches[number % batches.length] as Batch));
    },
    close: async () => {
      model?.dispose();
    },
  };
}
