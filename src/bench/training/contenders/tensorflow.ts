/**
 * TensorFlow.js as a contender, as its users have it: `tf.layers` trained by `trainOnBatch`, in plain JavaScript or on
 * the native library. The product's own engine `tensorflow` is another thing: it replaces the recurrent layers.
 */
import { availableParallelism } from 'node:os';
import type { Sequential } from '@tensorflow/tfjs-layers';
import type { Layer, LayerOf, ModelSpec } from '../../../../models/layers.ts';
import type { Weights } from '../../../../models/weights.ts';
import { RecurrentError } from '../../../core/errors.ts';
import type { Batch } from '../../../training/engine.ts';
import { loadTensorflow, type Tensorflow } from '../../../training/engines/tensorflow/backend.ts';
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
    return `it computes with ${used === 1 ? '1 thread' : `${used} threads`}, and takes no other number`;
  try {
    const { tf, note } = await loadTensorflow();
    const backend = backends[name];
    if (tf.findBackend(backend) === null) return note.split('; ').slice(1).join('; ');
    return {
      name,
      threads: used,
      version: `TensorFlow.js ${tf.version_core}`,
      ownMasks: true,
      flopsPerSecond: name === 'tfjs-cpu' ? 5e5 : 1e9,
      open: async (problem) => refusalOf(problem.spec) ?? openModel(tf, backend, problem),
      close: async () => {},
    };
  } catch (error) {
    if (error instanceof RecurrentError && error.code === 'ENGINE_MISSING') return `${error.message}. ${error.hint}`;
    throw error;
  }
}

function refusalOf({ layers }: ModelSpec): string | undefined {
  for (const layer of layers) {
    if (layer.type === 'oneHot') return 'tf.layers has no layer that makes one-hot rows of ids';
    if (layer.type === 'gru' && layer.resetAfter) return 'tf.layers.gru has no reset after the product';
    if ('bias' in layer && layer.bias === 'double') return 'the recurrent layers of tf.layers have one bias, not two';
  }
  return undefined;
}

function openModel(tf: Tensorflow, backend: string, { spec, weights, batches }: Problem): OpenContender {
  const models: Sequential[] = [];

  function build(): Sequential {
    const model = tf.sequential();
    for (const layer of spec.layers) model.add(layerOf(tf, layer));
    model.build([null, batches[0]?.time ?? null]);
    const tensors = [...weights.values()].map(({ data, shape }) => tf.tensor(data, [...shape]));
    model.setWeights(tensors);
    tf.dispose(tensors);
    models.push(model);
    return model;
  }

  async function step(model: Sequential, { rows, time, ids, targets }: Batch): Promise<number> {
    const [x, y] = [tf.tensor2d(ids, [rows, time], 'int32'), tf.tensor2d(Float32Array.from(targets), [rows, 1])];
    const loss = await model.trainOnBatch(x, y);
    tf.dispose([x, y]);
    return loss as number;
  }

  let trained: Sequential | undefined;
  async function steps(learningRate: number): Promise<(number: number) => Promise<number>> {
    await tf.setBackend(backend);
    if (!trained) {
      trained = build();
      const { beta1, beta2, epsilon } = adam as Extract<OptimiserOptions, { type: 'adam' }>;
      trained.compile({ optimizer: tf.train.adam(learningRate, beta1, beta2, epsilon), loss: 'binaryCrossentropy' });
    }
    Object.assign(trained.optimizer, { learningRate });
    const model = trained;
    return (number) => step(model, batches[number % batches.length] as Batch);
  }

  return {
    async gradients(rows) {
      await tf.setBackend(backend);
      const plain = build();
      plain.compile({ optimizer: tf.train.sgd(gradientScale), loss: 'binaryCrossentropy' });
      const loss = await step(plain, firstRows(batches[0] as Batch, rows));
      return { loss, gradients: await movement(weights, plain) };
    },
    async losses(count, learningRate) {
      const take = await steps(learningRate);
      const losses: number[] = [];
      for (let number = 0; number < count; number++) losses.push(await take(number));
      return losses;
    },
    async time(milliseconds, learningRate) {
      return takeTurn(milliseconds, await steps(learningRate));
    },
    async close() {
      for (const model of models) model.dispose();
    },
  };
}

/** In the order of the model's weights, which is that of the spec. */
async function movement(before: Weights, model: Sequential): Promise<Map<string, Float32Array>> {
  const gradients = new Map<string, Float32Array>();
  for (const [index, [name, { data }]] of [...before].entries()) {
    const after = (await model.getWeights()[index]?.data()) ?? [];
    gradients.set(
      name,
      data.map((value, i) => (value - (after[i] as number)) / gradientScale),
    );
  }
  return gradients;
}

function layerOf(tf: Tensorflow, layer: Layer): Parameters<Sequential['add']>[0] {
  switch (layer.type) {
    case 'embedding':
      return tf.layers.embedding({
        inputDim: layer.inputDim,
        outputDim: layer.outputDim,
        maskZero: layer.maskZero,
        embeddingsInitializer: 'zeros',
      });
    case 'lstm':
      return tf.layers.lstm({ ...recurrent(layer), recurrentActivation: 'sigmoid', unitForgetBias: false });
    case 'simpleRnn':
      return tf.layers.simpleRNN(recurrent(layer));
    case 'dropout':
      return tf.layers.dropout({ rate: layer.rate });
    default: {
      const { units, activation, useBias } = layer as LayerOf<'dense'>;
      return tf.layers.dense({ units, activation, useBias, kernelInitializer: 'zeros' });
    }
  }
}

/** The weights are set afterwards: the orthogonal initialiser would need the whole package `@tensorflow/tfjs`. */
function recurrent({ units, returnSequences, dropout, recurrentDropout, bias }: LayerOf<'lstm' | 'simpleRnn'>) {
  return {
    units,
    returnSequences,
    dropout,
    recurrentDropout,
    useBias: bias !== 'none',
    activation: 'tanh',
    kernelInitializer: 'zeros',
    recurrentInitializer: 'zeros',
  } as const;
}
