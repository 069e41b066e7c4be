import type { Runner, RunnerName } from './runner.ts';
import { jsRunner } from './runners/js.ts';
import { onnxruntimeRunner } from './runners/onnxruntime.ts';
import { referenceRunner } from './runners/reference.ts';
import { tensorflowRunner } from './runners/tensorflow.ts';

/** Every runner there is. */
export const runners = {
  reference: referenceRunner,
  js: jsRunner,
  tensorflow: tensorflowRunner,
  onnxruntime: onnxruntimeRunner,
} as const satisfies Record<RunnerName, Runner>;
