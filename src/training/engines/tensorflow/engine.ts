/**
 * The `tensorflow` engine: training on a real `tf.LayersModel`, with TensorFlow's native library underneath. The
 * gradient goes through TensorFlow.js' tape and, in recurrent layers, through fused operations or a way back written by
 * hand; loss and metrics are the ones of every engine, and so are the dropout masks.
 */
import { availableParallelism } from 'node:os';
import type { Tensor as TfTensor, Variable } from '@tensorflow/tfjs-core';
import { planModel } from '../../../../models/plan.ts';
import { checkWeights } from '../../../../models/weights.ts';
import { fail, RecurrentError } from '../../../core/errors.ts';
import { checkBatch } from '../../check-batch.ts';
import type { Batch, Engine, EngineOptions, EngineProvider, StepAddress } from '../../engine.ts';
import { judge, type LossResult } from '../../loss.ts';
import { untilDisposed } from '../until-disposed.ts';
import { adjust } from './adjust.ts';
import { type LoadedTensorflow, loadNativeTensorflow } from './backend.ts';
import { describeCudnn } from './layers/cudnn-verdicts.ts';
import { kernelRecurrences, kernelsHelp } from './layers/kernel-recurrence.ts';
import type { CallOptions } from './layers/tensorflow-layer.ts';
import { tensorflowMemory } from './memory.ts';
import { toLayersModel } from './to-layers-model.ts';
import { createUpdates } from './updates.ts';
import { readWeights, variablesOf, writeWeights } from './variables.ts';

/** On the native library only: in plain JavaScript the same model trains, slower than any other engine. */
export const tensorflowEngine: EngineProvider = createTensorflowProvider(loadNativeTensorflow, nativeThreads);

/** @param load the TensorFlow.js to train with @param threadCount how many threads it computes with */
export function createTensorflowProvider(
  load: () => Promise<LoadedTensorflow>,
  threadCount: () => number,
): EngineProvider {
  return {
    name: 'tensorflow',
    honours: { classWeights: true, l2: true, globalClipNorm: true, clipValue: true },
    async refusal() {
      try {
        await load();
        return undefined;
      } catch (error) {
        if (error instanceof RecurrentError && error.code === 'ENGINE_MISSING')
          return `${error.message}. ${error.hint}`;
        throw error;
      }
    },
    mostThreads: threadCount,
    fewestThreads: threadCount,
    memory: tensorflowMemory,
    async prepare(options) {
      const loaded = await load();
      loaded.use();
      const threads = threadCount();
      if (options.threads !== threads) {
        fail(
          'OPTION_UNSUPPORTED',
          `TensorFlow was loaded with ${threads} threads, and cannot change to ${options.threads}`,
          `Set the environment variable TF_NUM_INTRAOP_THREADS=${options.threads} before the program starts.`,
        );
      }
      return createTensorflowEngine(loaded, options);
    },
  };
}

/** The native library reads the variable when it is loaded, and takes every core without it. */
function nativeThreads(): number {
  return Number(process.env.TF_NUM_INTRAOP_THREADS) || availableParallelism();
}

function createTensorflowEngine(
  loaded: LoadedTensorflow,
  { spec, weights, optimiser, threads, stepOptions = {} }: EngineOptions,
): Engine {
  const { tf, use } = loaded;
  const plan = planModel(spec);
  const model = toLayersModel(tf, spec, weights);
  const variables = variablesOf(model);
  const updates = createUpdates(tf, optimiser, variables);
  const trained = [...variables.values()].map((variable) => variable.read() as Variable);

  const recurrences = kernelsHelp(loaded) ? kernelRecurrences() : undefined;

  /** Call inside `tf.tidy`. @returns logits, [rows, outputs] */
  function forward({ ids, rows, time, initialStates }: Batch, options: CallOptions): TfTensor {
    const outputs = model.apply(tf.tensor2d(ids, [rows, time], 'int32'), {
      ...options,
      initialStates,
      recurrences,
    }) as TfTensor[];
    return outputs[0] as TfTensor;
  }

  function judgeLogits(batch: Batch, logits: TfTensor, classWeights?: readonly number[]) {
    const values = logits.dataSync<'float32'>();
    return { ...judge(plan.head, values, batch.targets, classWeights), logits: values.slice() };
  }

  return untilDisposed({
    name: 'tensorflow',
    threads,
    remark: describeCudnn(tf, spec),

    async step(batch: Batch, address: StepAddress, learningRate: number) {
      checkBatch(batch, plan);
      use();
      let judged: LossResult | undefined;
      let penalty = 0;
      tf.tidy(() => {
        // The loss and its gradient are computed outside TensorFlow: a sum weighted with that gradient carries it in.
        const { grads } = tf.variableGrads(() => {
          const logits = forward(batch, { training: true, address });
          const found = judgeLogits(batch, logits, stepOptions.classWeights);
          judged = found;
          return tf.sum(tf.mul(logits, tf.tensor(found.gradient, logits.shape)));
        }, trained);
        const named = [...variables.keys()].flatMap((name, index) => {
          const gradient = grads[(trained[index] as Variable).name];
          return gradient ? [[name, gradient] as const] : [];
        });
        const adjusted = adjust(tf, stepOptions, variables, new Map(named));
        penalty = adjusted.penalty;
        updates.apply(adjusted.gradients, learningRate);
      });
      const { loss, correct, probabilities } = judged as LossResult;
      return { loss: loss + penalty, correct, probabilities };
    },

    async evaluate(batch) {
      checkBatch(batch, plan);
      use();
      const judged = tf.tidy(() => {
        const result = judgeLogits(batch, forward(batch, {}));
        return result as typeof result & TfTensor; // tidy looks for tensors in what it is given, and finds none
      });
      const { loss, correct, logits, probabilities } = judged;
      return { loss, correct, logits, probabilities };
    },

    async state() {
      use();
      return { weights: readWeights(variables), optimiser: updates.state() };
    },

    async restore(state) {
      checkWeights(state.weights, plan.parameters);
      use();
      writeWeights(tf, variables, state.weights);
      updates.restore(state.optimiser);
    },

    async dispose() {
      updates.dispose();
      model.dispose();
    },
  });
}
