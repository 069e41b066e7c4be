/**
 * Runs of a few steps with all that a step can be told at once, by every engine beside `js`: weights of classes, penalty,
 * clipping, optimisers, dropout, states to begin from, batches of other shapes each time, 1 to 4 threads. The contract suite
 * holds each of these against float64 alone; here they meet. Prints the largest differences.
 *
 * RECURRENT_CASES: runs of each engine (200).
 */
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import type { ModelSpec } from '../../models/layers.ts';
import { planModel } from '../../models/plan.ts';
import { parseSpec } from '../../models/spec.ts';
import type { EngineProvider } from '../../src/training/engine.ts';
import { jsEngine } from '../../src/training/engines/js/engine.ts';
import { onnxruntimeEngine } from '../../src/training/engines/onnxruntime/engine.ts';
import { tensorflowEngine } from '../../src/training/engines/tensorflow/engine.ts';
import { wasmEngine } from '../../src/training/engines/wasm/engine.ts';
import type { OptimiserOptions } from '../../src/training/optimisers.ts';
import type { StepOptions } from '../../src/training/step-options.ts';
import {
  activationsWithinOne,
  arbitrarySpec,
  randomBatch,
  randomStates,
  randomWeights,
} from '../support/arbitrary-spec.ts';

const cases = Number(process.env.RECURRENT_CASES ?? 200);

/** Some hundred roundings of float32 a step, in other places, through up to five steps. Seen: 2.4e-7. */
const tolerance = 5e-6;

interface Run {
  readonly spec: ModelSpec;
  readonly seed: number;
  readonly weighted: boolean;
  readonly penalised: boolean;
  readonly clip: 'none' | 'norm' | 'value';
  readonly begun: boolean;
  readonly shapes: readonly { readonly rows: number; readonly time: number }[];
  readonly threads: number;
  readonly optimiser: OptimiserOptions;
}

/** With activations and an ε that keep small differences small: an optimiser that divides by √v of them would not. */
const arbitraryRun: fc.Arbitrary<Run> = fc.record({
  spec: arbitrarySpec({ activations: activationsWithinOne }),
  seed: fc.nat(),
  weighted: fc.boolean(),
  penalised: fc.boolean(),
  clip: fc.constantFrom('none', 'norm', 'value'),
  begun: fc.boolean(),
  shapes: fc.array(fc.record({ rows: fc.integer({ min: 1, max: 27 }), time: fc.integer({ min: 1, max: 9 }) }), {
    minLength: 2,
    maxLength: 5,
  }),
  threads: fc.integer({ min: 1, max: 4 }),
  optimiser: fc.constantFrom<OptimiserOptions>(
    { type: 'sgd', momentum: 0, nesterov: false },
    { type: 'sgd', momentum: 0.9, nesterov: true },
    { type: 'rmsprop', rho: 0.9, epsilon: 1e-3 },
    { type: 'adam', beta1: 0.9, beta2: 0.99, epsilon: 1e-3 },
    { type: 'adam-pytorch', beta1: 0.9, beta2: 0.99, epsilon: 1e-2 },
  ),
});

function stepOptionsOf({ spec, seed, weighted, penalised, clip }: Run): StepOptions {
  const { head, parameters } = planModel(spec);
  const kernels = parameters.filter(({ name }) => !name.endsWith('/bias'));
  return {
    classWeights: weighted
      ? Array.from({ length: head.classes }, (_, label) => [0, 3, 0.5, 1.5][(label + seed) % 4] as number)
      : undefined,
    l2: penalised ? new Map(kernels.map(({ name }, i) => [name, 0.001 * (i + 1)])) : undefined,
    globalClipNorm: clip === 'norm' ? 0.05 : undefined,
    clipValue: clip === 'value' ? 0.01 : undefined,
  };
}

/** Losses, logits and the weights in the end. */
async function numbersOf(run: Run, provider: EngineProvider, threads: number): Promise<number[]> {
  const { spec, seed, begun, shapes, optimiser } = run;
  const weights = randomWeights(spec, seed);
  const engine = await provider.prepare({ spec, weights, optimiser, threads, stepOptions: stepOptionsOf(run) });
  const numbers: number[] = [];
  for (const [step, { rows, time }] of shapes.entries()) {
    const batch = randomBatch(spec, rows, time, seed + step);
    const initialStates = begun && step % 2 === 0 ? randomStates(spec, rows, seed + step) : undefined;
    const trained = await engine.step({ ...batch, initialStates }, { seed, epoch: 1, step }, 0.02);
    const { loss, logits } = await engine.evaluate(randomBatch(spec, 1 + ((5 * rows) % 13), time + 1, seed + step));
    numbers.push(trained.loss, loss, ...logits);
  }
  for (const { data } of (await engine.state()).weights.values()) numbers.push(...data);
  await engine.dispose();
  return numbers;
}

const anyModel = parseSpec({
  version: 1,
  name: 'any',
  layers: [
    { type: 'oneHot', depth: 3 },
    { type: 'lstm', units: 2 },
    { type: 'dense', units: 1 },
  ],
});
const largest: { engine: string; runs: number; difference: string }[] = [];
afterAll(() => console.table(largest));

const contenders = [
  { provider: wasmEngine, threadsOf: (asked: number) => asked },
  { provider: onnxruntimeEngine, threadsOf: (asked: number) => asked },
  { provider: tensorflowEngine, threadsOf: () => tensorflowEngine.mostThreads(1) },
] as const;

describe.each(contenders)('engine $provider.name', ({ provider, threadsOf }) => {
  it(`goes where js goes, in ${cases} runs`, { timeout: 3_600_000 }, async ({ skip }) => {
    const refusal = await provider.refusal(anyModel);
    if (refusal !== undefined) skip(refusal);
    let worst = 0;
    await fc.assert(
      fc.asyncProperty(arbitraryRun, async (run) => {
        const expected = await numbersOf(run, jsEngine, 1);
        const got = await numbersOf(run, provider, threadsOf(run.threads));
        expect(got).toHaveLength(expected.length);
        for (const [i, value] of expected.entries()) {
          const difference = Math.abs((got[i] as number) - value) / Math.max(1, Math.abs(value));
          worst = Math.max(worst, difference);
          expect(difference).toBeLessThan(tolerance);
        }
      }),
      { numRuns: cases, seed: 3 },
    );
    largest.push({ engine: provider.name, runs: cases, difference: worst.toExponential(1) });
  });
});
