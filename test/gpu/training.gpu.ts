/** Training on a GPU: the contract of all engines on TensorFlow's library and on onnxruntime's CUDA, and how `fastest` takes them. */
import { expect, it } from 'vitest';
import { initialWeights } from '../../models/initialisers.ts';
import { planModel } from '../../models/plan.ts';
import { parseSpec } from '../../models/spec.ts';
import type { EngineProvider } from '../../src/training/engine.ts';
import { selectFastest } from '../../src/training/engines/fastest.ts';
import { onnxruntimeEngine } from '../../src/training/engines/onnxruntime/engine.ts';
import { adam } from '../../src/training/optimisers.ts';
import { describeEngine } from '../contract/engine.ts';
import { randomBatch } from '../support/arbitrary-spec.ts';
import { describeGpu, onnxruntimeOnGpu, tensorflowOnGpu, whyNoTensorflowGpu } from './device.ts';

const spec = parseSpec({
  version: 1,
  name: 'gpu',
  layers: [
    { type: 'embedding', inputDim: 200, outputDim: 16, maskZero: true },
    { type: 'lstm', units: 16 },
    { type: 'dense', units: 1, activation: 'sigmoid' },
  ],
});
const weights = initialWeights(planModel(spec), 0);

describeGpu('training with TensorFlow on a GPU', await whyNoTensorflowGpu(spec), () => {
  const threads = tensorflowOnGpu.fewestThreads?.() ?? 1;
  describeEngine({ provider: tensorflowOnGpu, threads, cases: 150, exact: false });
});

describeGpu("onnxruntime's training step on CUDA", await onnxruntimeOnGpu.refusal(spec), () => {
  describeEngine({ provider: onnxruntimeOnGpu, cases: 40, exact: false });

  it('gives the losses of the CPU over 20 steps', async () => {
    const [onCpu, onGpu] = [await losses(onnxruntimeEngine), await losses(onnxruntimeOnGpu)];
    expect(onCpu.every(Number.isFinite)).toBe(true);
    // float32 sums in another order; Adam turns the smallest gradient into a whole step (see test/contract/engine.ts)
    onGpu.forEach((loss, step) => {
      expect(Math.abs(loss - (onCpu[step] as number)), `step ${step}`).toBeLessThan(1e-3);
    });
  });

  it('is timed by fastest like the others', async () => {
    const { trials = [] } = await selectFastest(
      { load: { spec, optimiser: adam, rows: 32, time: 30 }, threads: 1 },
      {
        ...{ weights, seed: 0, learningRate: 0.001, refusal: () => undefined },
        batches: () => [randomBatch(spec, 32, 30, 1), randomBatch(spec, 32, 30, 2)],
      },
    );
    const timed = trials.flatMap((trial) => ('ms' in trial ? trial.engine : []));
    expect(timed).toContain(`${onnxruntimeOnGpu.name}, 1 thread`);
  });
});

async function losses(provider: EngineProvider): Promise<number[]> {
  const engine = await provider.prepare({ spec, weights, optimiser: adam, threads: 1 });
  try {
    const found: number[] = [];
    for (let step = 0; step < 20; step++) {
      const batch = randomBatch(spec, 32, 30, step);
      found.push((await engine.step(batch, { seed: 0, epoch: 0, step }, 0.001)).loss);
    }
    return found;
  } finally {
    await engine.dispose();
  }
}
