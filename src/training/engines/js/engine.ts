/**
 * The `js` engine: plain typed arrays on one thread. It is the readable statement that the fast engines are
 * checked against, and what runs where they cannot.
 */

import { planModel } from '../../../../models/plan.ts';
import { checkWeights, copyWeights, sizeOf, type Tensor } from '../../../../models/weights.ts';
import { checkBatch } from '../../check-batch.ts';
import { dropoutMask } from '../../dropout.ts';
import type { Batch, Engine, EngineOptions, EngineProvider, EngineState, StepAddress } from '../../engine.ts';
import { judge } from '../../loss.ts';
import { copyMoments, momentNames, newMoments, updateWeight } from '../../optimisers.ts';
import { adjustGradients, adjustsGradients } from '../../step-options.ts';
import { untilDisposed } from '../until-disposed.ts';
import { jsMemory } from './memory.ts';
import { runNetwork } from './network.ts';
import type { Pass } from './pass.ts';

export const jsEngine: EngineProvider = {
  name: 'js',
  honours: { classWeights: true, l2: true, globalClipNorm: true, clipValue: true },
  refusal: async () => undefined,
  mostThreads: () => 1,
  memory: jsMemory,
  prepare: async (options) => createJsEngine(options),
};

function createJsEngine({ spec, weights: initial, optimiser, stepOptions = {} }: EngineOptions): Engine {
  const plan = planModel(spec);
  checkWeights(initial, plan.parameters);
  let weights = copyWeights(initial);
  let moments = newMoments(optimiser, plan.parameters);
  let updates = 0;
  const gradients = new Map(plan.parameters.map(({ name, shape }) => [name, new Float32Array(sizeOf(shape))]));

  function forward(batch: Batch, address: StepAddress | undefined) {
    const { rows, time } = batch;
    checkBatch(batch, plan);
    const ids = timeMajor(batch);
    const pass: Pass = {
      rows,
      time,
      mask: plan.maskZero ? Uint8Array.from(ids, (id) => (id === 0 ? 0 : 1)) : undefined,
      dropoutMask: (purpose, stream, rate, size) =>
        address && rate > 0 ? dropoutMask(address, purpose, stream, rate, size) : undefined,
      initialState: (name) => batch.initialStates?.get(name),
      weight: (name) => (weights.get(name) as Tensor).data,
      gradient: (name) => gradients.get(name) as Float32Array,
    };
    const { output, backward } = runNetwork(pass, plan, ids);
    const classWeights = address && stepOptions.classWeights;
    const judged = judge(plan.head, output.value, batch.targets, classWeights);
    output.gradient.set(judged.gradient);
    return { ...judged, logits: output.value, backward };
  }

  const trained = () =>
    [...gradients].map(([name, gradient]) => ({ name, gradient, weight: (weights.get(name) as Tensor).data }));

  return untilDisposed({
    name: 'js',
    threads: 1,

    async step(batch, address, learningRate) {
      const { loss, correct, probabilities, backward } = forward(batch, address);
      for (const gradient of gradients.values()) gradient.fill(0);
      backward();
      const penalty = adjustsGradients(stepOptions) ? adjustGradients(stepOptions, trained()) : 0;
      updates++;
      const kinds = momentNames(optimiser);
      for (const [name, gradient] of gradients) {
        const weight = (weights.get(name) as Tensor).data;
        const own = kinds.map((kind) => moments.get(kind)?.get(name) as Float32Array);
        updateWeight(optimiser, learningRate, updates, weight, gradient, own);
      }
      return { loss: loss + penalty, correct, probabilities };
    },

    async evaluate(batch) {
      const { loss, correct, logits, probabilities } = forward(batch, undefined);
      return { loss, correct, logits, probabilities };
    },

    async state() {
      return { weights: copyWeights(weights), optimiser: { step: updates, moments: copyMoments(moments) } };
    },

    async restore(state: EngineState) {
      checkWeights(state.weights, plan.parameters);
      weights = copyWeights(state.weights);
      moments = copyMoments(state.optimiser.moments);
      updates = state.optimiser.step;
    },

    async dispose() {},
  });
}

/** ids [rows, time] → [time, rows] */
function timeMajor({ ids, rows, time }: Batch): Int32Array {
  return Int32Array.from({ length: rows * time }, (_, p) => ids[(p % rows) * time + Math.floor(p / rows)] as number);
}
