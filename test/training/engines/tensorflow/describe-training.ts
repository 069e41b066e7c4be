/** What holds for the `tensorflow` engine on each of its backends, besides the contract of all engines. */
import { describe, expect, it } from 'vitest';
import type { ModelSpec, SpecInput } from '../../../../models/layers.ts';
import { parseSpec } from '../../../../models/spec.ts';
import type { EngineProvider } from '../../../../src/training/engine.ts';
import type { LoadedTensorflow } from '../../../../src/training/engines/tensorflow/backend.ts';
import { adam } from '../../../../src/training/optimisers.ts';
import { randomBatch, randomWeights } from '../../../support/arbitrary-spec.ts';

interface Backend {
  readonly provider: EngineProvider;
  readonly load: () => Promise<LoadedTensorflow>;
  readonly threads: number;
}

export function specOf(...layers: SpecInput['layers']): ModelSpec {
  return parseSpec({ version: 1, name: 'test', layers });
}

export function describeTraining({ provider, load, threads }: Backend): void {
  describe(`engine tensorflow, ${threads} threads`, () => {
    const everything = specOf(
      { type: 'embedding', inputDim: 11, outputDim: 3, maskZero: true },
      { type: 'bidirectional', layer: { type: 'gru', units: 3, returnSequences: true, dropout: 0.25 } },
      { type: 'dropout', rate: 0.5 },
      { type: 'lstm', units: 4, returnSequences: true },
      { type: 'lstm', units: 3, activation: 'softsign', recurrentDropout: 0.25, returnSequences: true },
      { type: 'simpleRnn', units: 3, bias: 'double', returnSequences: true },
      { type: 'gru', name: 'before', units: 3, resetAfter: false, returnSequences: true },
      { type: 'pooling', kind: 'max' },
      { type: 'dense', units: 3, activation: 'softmax' },
    );

    it.each([
      adam,
      { type: 'sgd', momentum: 0.9, nesterov: false },
      { type: 'sgd', momentum: 0.9, nesterov: true },
    ] as const)('holds no more tensors after many steps than after one, and none in the end: %o', async (optimiser) => {
      const { tf } = await load();
      const before = tf.memory().numTensors;
      const options = { spec: everything, weights: randomWeights(everything, 1), optimiser, threads };
      const engine = await provider.prepare(options);
      const held: number[] = [];
      for (let step = 0; step < 4; step++) {
        await engine.step(randomBatch(everything, 3, 2 + step, step), { seed: 0, epoch: 0, step }, 0.01);
        await engine.evaluate(randomBatch(everything, 2, 3, step));
        await engine.restore(await engine.state());
        held.push(tf.memory().numTensors);
      }
      expect(held).toEqual(held.map(() => held[0]));
      await engine.dispose();
      expect(tf.memory().numTensors).toBe(before);
    });

    it('keeps a state that grows without bounds from running on under a mask', async () => {
      const spec = specOf(
        { type: 'embedding', inputDim: 3, outputDim: 2, maskZero: true },
        { type: 'simpleRnn', units: 2, activation: 'relu' },
        { type: 'dense', units: 1 },
      );
      const weights = new Map(randomWeights(spec, 1));
      for (const [name, { shape, data }] of weights) weights.set(name, { shape, data: data.map(() => 3) });
      const ids = Int32Array.from({ length: 200 }, (_, t) => (t < 2 ? 1 : 0)); // 6 to the power of 198 is no float32
      const engine = await provider.prepare({ spec, weights, optimiser: adam, threads });
      const batch = { rows: 1, time: 200, ids, targets: Int32Array.of(0) };
      await engine.step(batch, { seed: 0, epoch: 0, step: 0 }, 0.01);
      const state = await engine.state();
      await engine.dispose();
      for (const [name, { data }] of state.weights) expect(data.every(Number.isFinite), name).toBe(true);
    });

    it('refuses another number of threads than TensorFlow has, and says how to change it', async () => {
      const weights = randomWeights(everything, 1);
      const other = { spec: everything, weights, optimiser: adam, threads: threads + 1 };
      await expect(provider.prepare(other)).rejects.toMatchObject({
        code: 'OPTION_UNSUPPORTED',
        hint: expect.stringContaining(`TF_NUM_INTRAOP_THREADS=${threads + 1}`),
      });
    });
  });
}
