/** The training step as an ONNX graph on onnxruntime. */
import { fail } from '../../../core/errors.ts';
import type { EngineProvider } from '../../engine.ts';
import { parameterMemory } from '../../parameter-memory.ts';

const refusal = 'the onnxruntime engine cannot train yet';

export const onnxruntimeEngine: EngineProvider = {
  name: 'onnxruntime',
  refusal: async () => refusal,
  mostThreads: () => 1,
  memory: (load) => [parameterMemory(load)],
  prepare: async () => fail('OPTION_UNSUPPORTED', refusal, "Use engine 'wasm'."),
};
