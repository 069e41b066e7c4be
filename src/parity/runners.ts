import { jsEngine } from '../training/engines/js/engine.ts';
import { wasmEngine } from '../training/engines/wasm/engine.ts';
import type { Runner, RunnerName } from './runner.ts';
import { engineRunner } from './runners/engine.ts';
import { onnxruntimeRunner } from './runners/onnxruntime.ts';
import { onnxruntimeWebRunner } from './runners/onnxruntime-web.ts';
import { referenceRunner } from './runners/reference.ts';
import { tensorflowRunner } from './runners/tensorflow.ts';

/** Every runner there is. */
export const runners = {
  reference: referenceRunner,
  js: engineRunner('js', jsEngine),
  wasm: engineRunner('wasm', wasmEngine),
  tensorflow: tensorflowRunner,
  onnxruntime: onnxruntimeRunner(),
  'onnxruntime-web': onnxruntimeWebRunner,
} as const satisfies Record<RunnerName, Runner>;
