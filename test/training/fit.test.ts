import { describe, expect, it } from 'vitest';
import { initialWeights } from '../../models/initialisers.ts';
import { planModel } from '../../models/plan.ts';
import { parseSpec } from '../../models/spec.ts';
import { silent } from '../../src/core/progress.ts';
import type { EncodedSet } from '../../src/training/encoded-set.ts';
import type { Engine } from '../../src/training/engine.ts';
import { jsEngine } from '../../src/training/engines/js/engine.ts';
import { type FitOptions, fitModel } from '../../src/training/fit.ts';
import { sgd } from '../../src/training/optimisers.ts';

const spec = parseSpec({
  version: 1,
  name: 'fit',
  layers: [
    { type: 'embedding', inputDim: 50, outputDim: 2 },
    { type: 'simpleRnn', units: 2 },
    { type: 'dense', units: 1, activation: 'sigmoid' },
  ],
});
const weights = initialWeights(planModel(spec), 0);

/** Row k holds id k, so that a batch tells which rows it has. */
const training: EncodedSet = {
  rows: 23,
  time: 1,
  ids: Int32Array.from({ length: 23 }, (_, row) => row),
  targets: Int32Array.from({ length: 23 }, (_, row) => row % 2),
};

async function fitted(options: Partial<FitOptions>) {
  const engine = await jsEngine.prepare({ spec, weights, optimiser: sgd, threads: 1 });
  const seen: { epoch: number; step: number; ids: number[]; loss: number; correct: number }[] = [];
  const watched: Engine = {
    ...engine,
    step: async (batch, address, learningRate) => {
      const result = await engine.step(batch, address, learningRate);
      seen.push({ epoch: address.epoch, step: address.step, ids: [...batch.ids], ...result });
      return result;
    },
  };
  const result = await fitModel({
    engine: watched,
    training,
    validation: undefined,
    epochs: 3,
    batchSize: 8,
    learningRate: 0.1,
    patience: 3,
    seed: 4,
    masked: undefined,
    start: { bestEpoch: 0, bestWeights: weights, history: [] },
    onEpoch: async () => {},
    progress: silent,
    signal: undefined,
    ...options,
  });
  return { seen, result };
}

describe('fitModel', () => {
  it('takes every row once an epoch, in another order each time, the rest in a smaller batch', async () => {
    const { seen } = await fitted({});
    const orders = [0, 1, 2].map((epoch) => seen.filter((step) => step.epoch === epoch));
    for (const steps of orders) {
      expect(steps.map(({ ids }) => ids.length)).toEqual([8, 8, 7]);
      expect(steps.map(({ step }) => step)).toEqual([0, 1, 2]);
      expect(steps.flatMap(({ ids }) => ids).sort((a, b) => a - b)).toEqual([...training.ids]);
    }
    const texts = orders.map((steps) => steps.flatMap(({ ids }) => ids).join());
    expect(new Set(texts).size).toBe(3);
  });

  it('shuffles by the seed', async () => {
    const orderOf = async (seed: number) => (await fitted({ seed })).seen.flatMap(({ ids }) => ids).join();
    expect(await orderOf(4)).toBe(await orderOf(4));
    expect(await orderOf(4)).not.toBe(await orderOf(5));
  });

  it('weights the figures of an epoch by rows, as Keras does', async () => {
    const { seen, result } = await fitted({ epochs: 1 });
    const loss = seen.reduce((sum, step) => sum + step.loss * step.ids.length, 0) / 23;
    const accuracy = seen.reduce((sum, step) => sum + step.correct, 0) / 23;
    expect(result.state.history).toHaveLength(1);
    expect(result.state.history[0]).toMatchObject({
      ...{ epoch: 1, learningRate: 0.1, loss, accuracy },
      ...{ validationLoss: null, validationAccuracy: null, validationF1: null, validationAuc: null },
    });
  });

  it('stops when the last step of an epoch breaks a weight, before anybody can save it', async () => {
    const ended: number[] = [];
    const wild = fitted({
      learningRate: 1e300, // the loss of the one step is that of the weights before
      batchSize: training.rows,
      onEpoch: async ({ history }) => {
        ended.push(history.length);
      },
    });
    await expect(wild).rejects.toMatchObject({
      code: 'LOSS_NOT_FINITE',
      message: expect.stringMatching(/^a weight of .* became -?Infinity in epoch 1$/),
    });
    expect(ended).toEqual([]);
  });

  it('stops at once when it is told to, inside an epoch', async () => {
    const controller = new AbortController();
    const { seen, result } = await fitted({
      signal: controller.signal,
      progress: { ...silent, update: (done) => done === 2 && controller.abort() },
    });
    expect(seen).toHaveLength(2);
    expect(result).toMatchObject({ interrupted: true, stoppedEarly: false, state: { bestEpoch: 0, history: [] } });
  });
});
