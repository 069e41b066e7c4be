/**
 * TensorFlow.js as a training engine. So far it only computes models for parity checks, through `toLayersModel`;
 * training is refused by name.
 */
import { fail } from '../../../core/errors.ts';
import type { EngineProvider } from '../../engine.ts';

const refusal = 'the tensorflow engine cannot train yet: it only runs models to check parity';

export const tensorflowEngine: EngineProvider = {
  name: 'tensorflow',
  refusal: async () => `${refusal}. Use engine 'js'.`,
  prepare: async () => fail('OPTION_UNSUPPORTED', refusal, "Use engine 'js'."),
};
