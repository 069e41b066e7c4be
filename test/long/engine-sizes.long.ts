/**
 * Odd sizes against the float64 reference: every layer and option, batches of 1, 3, 7, 64 and 65 rows, layers of 1, 3, 5,
 * 8, 17 and 128 units, texts of 1, 2 and 101 steps, which fill no vector, panel or share of a thread. Prints the largest
 * errors.
 *
 * RECURRENT_CASES: models for each engine (1,000).
 */
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import type { Layer, ModelSpec, RecurrentLayer } from '../../models/layers.ts';
import { parseSpec } from '../../models/spec.ts';
import { jsEngine } from '../../src/training/engines/js/engine.ts';
import { onnxruntimeEngine } from '../../src/training/engines/onnxruntime/engine.ts';
import { wasmEngine } from '../../src/training/engines/wasm/engine.ts';
import { errorsOf, withStates } from '../contract/engine-cases.ts';
import { arbitrarySpec, boundedActivations } from '../support/arbitrary-spec.ts';

/** As in engine-errors.long.ts. */
const tolerance = 4e-6;
const cases = Number(process.env.RECURRENT_CASES ?? 1000);

/**
 * Gates from 0 to 1, as all others amplify over 101 steps: a forget gate of 1.7 (scaledTanh) or an update gate below 0
 * (tanh) multiplies whatever is off by up to 10²⁰, in float32 as in any other arithmetic.
 */
const gates: ReadonlySet<string> = new Set(['sigmoid', 'hardSigmoid', 'hardSigmoidLegacy']);
const allUnits = [1, 3, 5, 8, 17, 128];

/** Products that the reference, which is slow, has to do: the largest sizes do not all meet. */
const most = 4e7;

function withUnits(spec: ModelSpec, units: number): ModelSpec {
  const recurrent = <L extends RecurrentLayer>(layer: L): L =>
    'recurrentActivation' in layer && !gates.has(layer.recurrentActivation)
      ? { ...layer, units, recurrentActivation: 'sigmoid' }
      : { ...layer, units };
  const sized = (layer: Layer): Layer => {
    if (layer.type === 'bidirectional') return { ...layer, layer: recurrent(layer.layer) };
    return 'recurrentDropout' in layer ? recurrent(layer) : layer;
  };
  return parseSpec({ ...spec, layers: spec.layers.map(sized) });
}

const oddCase = fc
  .record({
    spec: arbitrarySpec({ activations: boundedActivations, maxRecurrent: 2 }),
    units: fc.constantFrom(...allUnits),
    rows: fc.constantFrom(1, 3, 7, 64, 65),
    time: fc.constantFrom(1, 2, 101),
    seed: fc.nat(),
  })
  .filter(({ units, rows, time }) => units ** 2 * 4 * rows * time < most)
  .map(({ spec, units, ...sizes }) => ({ spec: withUnits(spec, units), ...sizes }));

const variants = [
  { title: 'js', provider: jsEngine, threads: 1 },
  ...[1, 2].map((threads) => ({ title: `wasm, threads: ${threads}`, provider: wasmEngine, threads })),
  ...[1, 2].map((threads) => ({ title: `onnxruntime, threads: ${threads}`, provider: onnxruntimeEngine, threads })),
];
const largest: { engine: string; models: number; logits: string; gradients: string }[] = [];
afterAll(() => console.table(largest));

describe.each(variants)('engine $title', ({ title, provider, threads }) => {
  it(`stays near the float64 reference at odd sizes, in ${cases} models`, { timeout: 3_600_000 }, async () => {
    const worst = { logits: 0, gradients: 0 };
    await fc.assert(
      fc.asyncProperty(oddCase, async (modelCase) => {
        const errors = await errorsOf({ provider, threads }, { spec: modelCase.spec, ...withStates(modelCase) });
        worst.logits = Math.max(worst.logits, errors.logits);
        worst.gradients = Math.max(worst.gradients, errors.gradients);
        expect(Math.max(errors.logits, errors.gradients)).toBeLessThan(tolerance);
      }),
      { numRuns: cases, seed: 5 },
    );
    const [logits, gradients] = [worst.logits.toExponential(1), worst.gradients.toExponential(1)];
    largest.push({ engine: title, models: cases, logits, gradients });
  });
});
