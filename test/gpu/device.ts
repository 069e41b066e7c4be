/**
 * What the suites here run on: a GPU, or, in a rehearsal (RECURRENT_GPU_REHEARSAL=1), the CPU in its place. A rehearsal
 * finds mistakes in the suites themselves where there is no GPU. It is evidence of nothing about one.
 */
import { describe, it } from 'vitest';
import type { ModelSpec } from '../../models/layers.ts';
import type { ProviderRequest } from '../../runtime/onnx/providers.ts';
import type { EngineProvider } from '../../src/training/engine.ts';
import { onnxruntimeCudaEngine, onnxruntimeEngine } from '../../src/training/engines/onnxruntime/engine.ts';
import { loadNativeTensorflow } from '../../src/training/engines/tensorflow/backend.ts';
import { createTensorflowProvider, tensorflowEngine } from '../../src/training/engines/tensorflow/engine.ts';

export const rehearsal = process.env.RECURRENT_GPU_REHEARSAL === '1';

export const providers: ProviderRequest = rehearsal ? ['cpu'] : ['cuda', 'cpu'];
export const executionProvider = rehearsal ? 'CPUExecutionProvider' : 'CUDAExecutionProvider';

export const onnxruntimeOnGpu: EngineProvider = rehearsal
  ? { ...onnxruntimeEngine, mostThreads: () => 1 }
  : onnxruntimeCudaEngine;

/** In a rehearsal with the operations that a GPU would run. */
export const tensorflowOnGpu: EngineProvider = rehearsal
  ? createTensorflowProvider(
      async () => ({ ...(await loadNativeTensorflow()), device: 'GPU' }),
      () => tensorflowEngine.fewestThreads?.() ?? 1,
    )
  : tensorflowEngine;

export async function whyNoTensorflowGpu(spec: ModelSpec): Promise<string | undefined> {
  const refusal = await tensorflowOnGpu.refusal(spec);
  if (refusal !== undefined) return refusal;
  const { description, device } = await loadNativeTensorflow();
  return device === 'GPU' || rehearsal ? undefined : `${description}: TensorFlow sees no GPU`;
}

/** Adds `suite` where there is no `refusal`, else prints it: what was skipped is said plainly. */
export function describeGpu(what: string, refusal: string | undefined, suite: () => void): void {
  const title = rehearsal ? `REHEARSED ON THE CPU, no evidence: ${what}` : what;
  if (refusal === undefined) {
    console.log(rehearsal ? title : `${what}: runs`);
    describe(title, suite);
    return;
  }
  console.log(`${title}: SKIPPED, ${refusal}`);
  describe(title, () => it.skip(refusal));
}
