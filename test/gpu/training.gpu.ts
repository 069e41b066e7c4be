/** Training on a GPU: the contract of all engines on TensorFlow's library, and onnxruntime's step on CUDA beside the CPU's. */
import { expect, it } from 'vitest';
import { initialWeights } from '../../models/initialisers.ts';
import { planModel } from '../../models/plan.ts';
import { parseSpec } from '../../models/spec.ts';
import type { EngineProvider } from '../../src/training/engine.ts';
import { onnxruntimeCudaEngine, onnxruntimeEngine } from '../../src/training/engines/onnxruntime/engine.ts';
import { loadNativeTensorflow } from '../../src/training/engines/tensorflow/backend.ts';
import { tensorflowEngine } from '../../src/training/engines/tensorflow/engine.ts';
import { adam } from '../../src/training/optimisers.ts';
import { describeEngine } from '../contract/engine.ts';
import { randomBatch } from '../support/arbitrary-spec.ts';
import { describeGpu } from './describe-gpu.ts';

const spec = parseSpec({
  version: 1,
  name: 'gpu',
  layers: [
    { type: 'embedding', inputDim: 200, outputDim: 16, maskZero: true },
    { type: 'lstm', units: 16 },
    { type: 'dense', units: 1, activation: 'sigmoid' },
  ],
});

describeGpu('training with TensorFlow on a GPU', await whyNoTensorflowGpu(), () => {
  describeEngine({ provider: tensorflowEngine, threads: tensorflowEngine.fewestThreads?.() ?? 1, cases: 150 });
});

describeGpu("onnxruntime's training step on CUDA", await onnxruntimeCudaEngine.refusal(spec), () => {
  it('gives the losses of the CPU over 20 steps', async () => {
    const [onCpu, onGpu] = [await losses(onnxruntimeEngine), await losses(onnxruntimeCudaEngine)];
    // float32 sums in another order; Adam turns the smallest gradient into a whole step (see test/contract/engine.ts)
    onGpu.forEach((loss, step) => {
      expect(Math.abs(loss - (onCpu[step] as number)), `step ${step}`).toBeLessThan(1e-3);
    });
  });
});

async function whyNoTensorflowGpu(): Promise<string | undefined> {
  const refusal = await tensorflowEngine.refusal(spec);
  if (refusal !== undefined) return refusal;
  const { description } = await loadNativeTensorflow();
  return description.includes('GPU') ? undefined : `${description}: TensorFlow sees no GPU`;
}

async function losses(provider: EngineProvider): Promise<number[]> {
  const weights = initialWeights(planModel(spec), 0);
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
