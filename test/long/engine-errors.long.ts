/**
 * How far each engine is from the float64 reference over thousands of random models: every layer and option, bounded
 * activations, up to 70 rows and 20 units. Prints the largest errors, which docs/engines.md states.
 *
 * RECURRENT_CASES: models for each engine (2,000).
 */
import { setFlagsFromString } from 'node:v8';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { parseSpec } from '../../models/spec.ts';
import type { EngineProvider } from '../../src/training/engine.ts';
import { jsEngine } from '../../src/training/engines/js/engine.ts';
import { onnxruntimeEngine } from '../../src/training/engines/onnxruntime/engine.ts';
import { tensorflowEngine } from '../../src/training/engines/tensorflow/engine.ts';
import { wasmEngineOf } from '../../src/training/engines/wasm/engine.ts';
import { errorsOf, movementOf, roundings, withStates } from '../contract/engine-cases.ts';
import { arbitraryCase, boundedActivations } from '../support/arbitrary-spec.ts';

// Node 20 has relaxed SIMD behind a flag; later versions have it anyway, and do not know the flag.
setFlagsFromString('--experimental-wasm-relaxed-simd');

/**
 * Float32 has 24 bits, 6e-8 of a number's size; some hundred roundings follow one another in these models, and the
 * gradient is read off weights of the order of 1, which are rounded when it is subtracted from them.
 */
const tolerance = 4e-6;
const cases = Number(process.env.RECURRENT_CASES ?? 2000);

const any = parseSpec({
  version: 1,
  name: 'any',
  layers: [
    { type: 'oneHot', depth: 3 },
    { type: 'lstm', units: 2 },
    { type: 'dense', units: 1 },
  ],
});

const variants: readonly { readonly title: string; readonly provider: EngineProvider; readonly threads: number }[] = [
  { title: 'js', provider: jsEngine, threads: 1 },
  ...(['plain', 'relaxed'] as const).flatMap((build) =>
    [1, 2].map((threads) => ({
      title: `wasm, ${build} SIMD, threads: ${threads}`,
      provider: wasmEngineOf(build),
      threads,
    })),
  ),
  ...[1, 2].map((threads) => ({ title: `onnxruntime, threads: ${threads}`, provider: onnxruntimeEngine, threads })),
  { title: 'tensorflow', provider: tensorflowEngine, threads: tensorflowEngine.fewestThreads?.() ?? 1 },
];
const largest: { engine: string; models: number; logits: string; gradients: string }[] = [];
afterAll(() => console.table(largest));

describe.each(variants)('engine $title', ({ title, provider, threads }) => {
  it(`stays near the float64 reference in ${cases} random models`, { timeout: 3_600_000 }, async (context) => {
    const refusal = await provider.refusal(any);
    context.skip(refusal !== undefined, refusal);
    const most = { logits: 0, gradients: 0 };
    await fc.assert(
      fc.asyncProperty(
        arbitraryCase({ maxRows: 70, maxUnits: 20, activations: boundedActivations }),
        async (modelCase) => {
          const model = { spec: modelCase.spec, ...withStates(modelCase) };
          const errors = await errorsOf({ provider, threads }, model);
          most.logits = Math.max(most.logits, errors.logits);
          most.gradients = Math.max(most.gradients, errors.gradients);
          expect(errors.logits).toBeLessThan(tolerance);
          // gates of scaledTanh multiply what is off
          if (errors.gradients >= tolerance) expect(errors.gradients).toBeLessThan(roundings * movementOf(model));
        },
      ),
      { numRuns: cases, seed: 3 },
    );
    const { logits, gradients } = most;
    largest.push({
      engine: title,
      models: cases,
      logits: logits.toExponential(1),
      gradients: gradients.toExponential(1),
    });
  });
});
