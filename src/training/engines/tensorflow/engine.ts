/**
 * TensorFlow.js as a training engine. So far it only computes models for parity checks, through `toLayersModel`;
 * training is refused by name.
 */
import { fail } from '../../../core/errors.ts';
import type { EngineProvider } from '../../engine.ts';
import { parameterMemory } from '../../parameter-memory.ts';

const refusal = 'the tensorflow engine cannot train yet: it only runs models to check parity';

export const tensorflowEngine: EngineProvider = {
  name: 'tensorflow',
  refusal: async () => `${refusal}. Use engine 'js'.`,
  mostThreads: () => 1,
  memory: (load) => [parameterMemory(load)],
  prepare: async () => fail('OPTION_UNSUPPORTED', refusal, "Use engine 'js'."),
};
