import { availableParallelism } from 'node:os';
import fc from 'fast-check';
import { describe, it } from 'vitest';
import { tensorflowEngine } from '../../../../src/training/engines/tensorflow/engine.ts';
import { describeEngine } from '../../../contract/engine.ts';
import { arbitrarySpec } from '../../../support/arbitrary-spec.ts';

const [anySpec] = fc.sample(arbitrarySpec(), { numRuns: 1, seed: 1 });
const refusal = anySpec && (await tensorflowEngine.refusal(anySpec));

if (refusal === undefined) {
  describeEngine({ provider: tensorflowEngine, threads: availableParallelism(), cases: 150 });
} else {
  describe('engine tensorflow', () => {
    it.skip(`needs TensorFlow's native library: ${refusal}`);
  });
}
