/**
 * The `js` engine: plain typed arrays on one thread. It is the readable statement that the fast engines are
 * checked against, and what runs where they cannot.
 */

import { type ModelPlan, planModel } from '../../../../models/plan.ts';
import { checkWeights, copyWeights, sizeOf, type Tensor } from '../../../../models/weights.ts';
import { fail } from '../../../core/errors.ts';
import { dropoutMask } from '../../dropout.ts';
import type { Batch, Engine, EngineOptions, EngineProvider, EngineState, StepAddress } from '../../engine.ts';
import { judge, type LossResult } from '../../loss.ts';
import { copyMoments, momentNames, newMoments, updateWeight } from '../../optimisers.ts';

import { runNetwork } from './network.ts';
import type { Pass } from './pass.ts';

export const jsEngine: EngineProvider = {
  name: 'js',
  refusal: async () => undefined,
  prepare: async (options) => createJsEngine(options),
};

function createJsEngine({ spec, weights: initial, optimiser }: EngineOptions): Engine {
  const plan = planModel(spec);
  checkWeights(initial, plan.parameters);
  let weights = copyWeights(initial);
  let moments = newMoments(optimiser, plan.parameters);
  let updates = 0;
  const gradients = new Map(plan.parameters.map(({ name, shape }) => [name, new Float32Array(sizeOf(shape))]));

  function forward(batch: Batch, address: StepAddress | undefined) {
    const { rows, time } = batch;
    const ids = timeMajor(batch, plan);
    const pass: Pass = {
      rows,
      time,
      mask: plan.maskZero ? Uint8Array.from(ids, (id) => (id === 0 ? 0 : 1)) : undefined,
      dropoutMask: (purpose, stream, rate, size) =>
        address && rate > 0 ? dropoutMask(address, purpose, stream, rate, size) : undefined,
      weight: (name) => (weights.get(name) as Tensor).data,
      gradient: (name) => gradients.get(name) as Float32Array,
    };
    const { output, backward } = runNetwork(pass, plan, ids);
    const judged: LossResult = judge(plan.head, output.value, batch.targets, output.gradient);
    return { ...judged, logits: output.value, backward };
  }

  return {
    name: 'js',
    threads: 1,

    async step(batch, address, learningRate) {
      const { loss, correct, backward } = forward(batch, address);
      for (const gradient of gradients.values()) gradient.fill(0);
      backward();
      updates++;
      const kinds = momentNames(optimiser);
      for (const [name, gradient] of gradients) {
        const weight = (weights.get(name) as Tensor).data;
        const own = kinds.map((kind) => moments.get(kind)?.get(name) as Float32Array);
        updateWeight(optimiser, learningRate, updates, weight, gradient, own);
      }
      return { loss, correct };
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
  };
}

/** ids [rows, time] → [time, rows]. @throws INPUT_INVALID */
function timeMajor({ ids, rows, time, targets }: Batch, plan: ModelPlan): Int32Array {
  const hint = 'Give at least one row and one time step, ids [rows, time] below the vocabulary size, targets [rows].';
  if (rows < 1 || time < 1 || ids.length !== rows * time || targets.length !== rows) {
    fail(
      'INPUT_INVALID',
      `a batch of ${rows} rows × ${time} steps has ${ids.length} ids and ${targets.length} targets`,
      hint,
    );
  }
  const bad = ids.find((id) => id < 0 || id >= plan.vocabularySize);
  if (bad !== undefined) fail('INPUT_INVALID', `id ${bad} is not in 0 … ${plan.vocabularySize - 1}`, hint);
  const badTarget = targets.find((target) => target < 0 || target >= plan.head.classes);
  if (badTarget !== undefined)
    fail('INPUT_INVALID', `target ${badTarget} is not in 0 … ${plan.head.classes - 1}`, hint);
  return Int32Array.from({ length: rows * time }, (_, p) => ids[(p % rows) * time + Math.floor(p / rows)] as number);
}
