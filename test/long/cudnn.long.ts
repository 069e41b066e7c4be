/**
 * The contract of all engines on TensorFlow's layers as a GPU has them, where cuDNN is emulated: see test/support/cudnn.ts.
 *
 * RECURRENT_CASES: random models for each of forward and gradients (400).
 */
import { availableParallelism } from 'node:os';
import { afterEach, beforeEach, describe, it } from 'vitest';
import { parseSpec } from '../../models/spec.ts';
import { loadNativeTensorflow } from '../../src/training/engines/tensorflow/backend.ts';
import { createTensorflowProvider, tensorflowEngine } from '../../src/training/engines/tensorflow/engine.ts';
import { describeEngine } from '../contract/engine.ts';
import { pretendGpu } from '../support/cudnn.ts';

const any = {
  layers: [
    { type: 'oneHot', depth: 3 },
    { type: 'lstm', units: 2 },
    { type: 'dense', units: 1 },
  ],
};
const refusal = await tensorflowEngine.refusal(parseSpec({ version: 1, name: 'any', ...any }));
const threads = Number(process.env.TF_NUM_INTRAOP_THREADS) || availableParallelism();

describe.skipIf(refusal !== undefined)('on an emulated cuDNN', () => {
  let gpu: ReturnType<typeof pretendGpu>;
  beforeEach(async () => {
    gpu = pretendGpu((await loadNativeTensorflow()).tf, (params) => params);
  });
  afterEach(() => gpu.end());

  const load = async () => ({ ...(await loadNativeTensorflow()), device: 'GPU' as const });
  describeEngine({
    provider: createTensorflowProvider(load, () => threads),
    threads,
    cases: Number(process.env.RECURRENT_CASES ?? 400),
  });
});
if (refusal !== undefined) it.skip(`an emulated cuDNN needs TensorFlow's native library: ${refusal}`);
