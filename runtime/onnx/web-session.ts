import { type GuardedSession, guardSession, modelRefused } from './guard.ts';
import type { OrtWebModule } from './ort-web.ts';

/** onnxruntime's own lines on the console: only fatal ones, as all others reach the caller as errors. */
const quiet = { logSeverityLevel: 4 } as const;

/**
 * A guarded session of onnxruntime-web, which runs on WebAssembly.
 *
 * @param model the bytes of an ONNX file
 * @throws ONNX_INVALID
 */
export async function openWebSession(ort: OrtWebModule, model: Uint8Array): Promise<GuardedSession> {
  const options = { ...quiet, executionProviders: ['wasm'] };
  return guardSession(ort, await ort.InferenceSession.create(model, options).catch(modelRefused));
}
