/**
 * The suite that every training engine must pass. The oracle is the float64 reference.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { initialWeights } from '../../models/initialisers.ts';
import type { ModelSpec } from '../../models/layers.ts';
import { planModel } from '../../models/plan.ts';
import { parseSpec } from '../../models/spec.ts';
import type { Tensor, Weights } from '../../models/weights.ts';
import {
  type DropoutMasks,
  type ReferenceWeights,
  referenceForward,
  referenceGradients,
  referenceLayerOutputs,
} from '../../src/reference/reference.ts';
import type { Batch, Engine, EngineProvider } from '../../src/training/engine.ts';
import { adam, type OptimiserOptions, sgd } from '../../src/training/optimisers.ts';
import type { StepOptions } from '../../src/training/step-options.ts';
import { arbitraryCase, randomBatch, randomStates, randomWeights } from '../support/arbitrary-spec.ts';
import { largestDifference } from '../support/largest-difference.ts';
import { type Optimised, textbookUpdate } from '../support/textbook-optimiser.ts';
import {
  address,
  gradientsBetween,
  masksOf,
  nudge,
  relativeError,
  relativeErrors,
  roundings,
  withStates,
} from './engine-cases.ts';

export interface EngineContract {
  readonly provider: EngineProvider;
  /** Default: 1. */
  readonly threads?: number;
  /** Most rows of a random batch: enough for every thread to get some. Default: 5. */
  readonly maxRows?: number;
  /** Random models to try for each of forward and gradients. */
  readonly cases: number;
  /** Whether the same steps give the same bits: a GPU adds up gradients in any order. Default: true. */
  readonly exact?: boolean;
}

/**
 * Of the largest value of a tensor, or of 1. Float32 has 24 bits, 6e-8 of a number's size, and some hundred
 * operations follow one another in the cases here.
 */
const tolerance = 1e-5;

/**
 * Unbounded activations in a feedback loop can make a model chaotic: then no float32 engine is near float64. How much
 * so is measured, in float64 (`nudge`); models that move more than this, or that leave the range where such a movement
 * tells anything, are left out.
 */
const chaotic = 1e-4;
const largestValue = 100;

const lstm = parseSpec({
  version: 1,
  name: 'contract',
  layers: [
    { type: 'embedding', inputDim: 9, outputDim: 3 },
    { type: 'lstm', units: 4, dropout: 0.25, recurrentDropout: 0.25, returnSequences: true },
    { type: 'gru', units: 3 },
    { type: 'dense', units: 1, activation: 'sigmoid' },
  ],
});

export function describeEngine({ provider, threads = 1, maxRows = 5, cases, exact = true }: EngineContract): void {
  describe(`engine ${provider.name}, threads: ${threads}`, () => {
    async function withEngine<T>(
      spec: ModelSpec,
      weights: Weights,
      optimiser: OptimiserOptions,
      use: (engine: Engine) => Promise<T>,
    ): Promise<T> {
      const engine = await provider.prepare({ spec, weights, optimiser, threads });
      try {
        return await use(engine);
      } finally {
        await engine.dispose();
      }
    }

    const repeats = exact ? 'bit for bit' : 'nearly';
    function expectSame(got: unknown, expected: unknown): void {
      if (exact) {
        expect(got).toEqual(expected);
        return;
      }
      const [all, allExpected] = [numbersIn(got), numbersIn(expected)];
      expect(all).toHaveLength(allExpected.length);
      // Adam divides small gradients by their own size: see below
      expect(largestDifference(all, allExpected)).toBeLessThan(1e-3);
    }

    it(`computes the outputs and the loss of the float64 reference (${cases} random models)`, async () => {
      await fc.assert(
        fc.asyncProperty(arbitraryCase({ maxRows }), async (modelCase) => {
          const { weights, batch } = withStates(modelCase);
          const { spec } = modelCase;
          staysInRange(spec, weights, batch);
          const got = await withEngine(spec, weights, sgd, (engine) => engine.evaluate(batch));
          const { ids, rows, time, initialStates } = batch;
          const forward = (weights: ReferenceWeights) =>
            referenceForward({ spec, weights }, ids, rows, time, initialStates);
          const expected = forward(weights);
          const nudged = forward(nudge(weights));
          const allowed = allowance(relativeError(nudged.logits, expected.logits));
          expect(relativeError(got.logits, expected.logits)).toBeLessThan(allowed);
          expect(relativeError(got.probabilities, expected.probabilities)).toBeLessThan(allowed);
          const { loss } = referenceGradients({ spec, weights }, batch);
          expect(Math.abs(got.loss - loss)).toBeLessThan(allowed * Math.max(1, loss, ...expected.logits.map(Math.abs)));
        }),
        { numRuns: cases, seed: 1 },
      );
    });

    it(`computes the gradients of the float64 reference, dropout included (${cases} random models)`, async () => {
      await fc.assert(
        fc.asyncProperty(arbitraryCase({ maxRows }), async (modelCase) => {
          const { weights, batch } = withStates(modelCase);
          const { spec } = modelCase;
          staysInRange(spec, weights, batch, masksOf(spec));
          const after = await withEngine(spec, weights, sgd, async (engine) => {
            await engine.step(batch, address, 1);
            return engine.state();
          });
          const { gradients } = referenceGradients({ spec, weights }, batch, masksOf(spec));
          const nudged = referenceGradients({ spec, weights: nudge(weights) }, batch, masksOf(spec)).gradients;
          const allowed = allowance(relativeErrors(nudged, gradients));
          // the weights themselves, of the order of 1, are rounded when the gradient is subtracted from them
          expect(relativeErrors(gradientsBetween(weights, after.weights), gradients)).toBeLessThan(allowed);
        }),
        { numRuns: cases, seed: 2 },
      );
    });

    it.each([
      ['tanh', 'scaledTanh'],
      ['tanh', 'softplus'],
      ['sigmoid', 'scaledTanh'],
      ['sigmoid', 'linear'],
      ['softsign', 'softplus'],
      ['softsign', 'scaledTanh'],
      ['scaledTanh', 'scaledTanh'],
      ['scaledTanh', 'linear'],
    ] as const)('gives saturated values their slope, however large the state (%s, gates %s)', async (...given) => {
      const [activation, recurrentActivation] = given;
      const spec = parseSpec({
        version: 1,
        name: 'growing',
        layers: [
          { type: 'embedding', inputDim: 9, outputDim: 3 },
          { type: 'lstm', units: 2, activation, recurrentActivation },
          { type: 'dense', units: 1, activation: 'sigmoid' },
        ],
      });
      // Forget gates near 1.7: after 101 steps a state of 1e20 and more multiplies whatever a slope of 0 has instead.
      const forget = recurrentActivation === 'scaledTanh' ? 6 : 1.8;
      const weights = new Map(
        [...randomWeights(spec, 1)].map(([name, { shape, data }]) => {
          if (name === 'lstm/bias')
            return [name, { shape, data: data.map((value, i) => (i >> 1 === 1 ? forget : value)) }];
          return [name, { shape, data: name.startsWith('lstm') ? data.map((value) => value / 4) : data }];
        }),
      );
      const batch = randomBatch(spec, 2, 101, 1);
      const { gradients } = referenceGradients({ spec, weights }, batch);
      const moved = await withEngine(spec, weights, sgd, async (engine) => {
        await engine.step(batch, address, 1);
        return (await engine.state()).weights;
      });
      expect(relativeErrors(gradientsBetween(weights, moved), gradients)).toBeLessThan(tolerance);
    });

    it.each([
      ['sigmoid', 1],
      ['softmax', 3],
    ] as const)('clips saturated probabilities as Keras does (%s head)', async (activation, units) => {
      const spec = parseSpec({
        version: 1,
        name: 'saturated',
        layers: [
          { type: 'embedding', inputDim: 6, outputDim: 2 },
          { type: 'pooling', kind: 'average' },
          { type: 'dense', units, activation },
        ],
      });
      const weights = new Map(randomWeights(spec, 1));
      const embeddings = weights.get('embedding/embeddings') as Tensor;
      weights.set('embedding/embeddings', { ...embeddings, data: embeddings.data.map((value) => 60 * value) });
      const batch = {
        rows: 6,
        time: 1,
        ids: Int32Array.of(0, 1, 2, 3, 4, 5),
        targets: Int32Array.of(0, 1, 0, 1, 0, 1),
      };
      const { probabilities } = referenceForward({ spec, weights }, batch.ids, 6, 1);
      expect(probabilities.some((p) => p < 1e-7)).toBe(true); // or the test would show nothing
      const expected = referenceGradients({ spec, weights }, batch);
      const { loss, state } = await withEngine(spec, weights, sgd, async (engine) => {
        const { loss } = await engine.step(batch, address, 1);
        return { loss, state: await engine.state() };
      });
      // 1 − 1e-7 lies 2 % of 1e-7 beside the nearest float32, and so does the loss of a row that is clipped there
      expect(Math.abs(loss - expected.loss)).toBeLessThan(0.2);
      // embeddings of size 60 are rounded to 4e-6
      expect(relativeErrors(gradientsBetween(weights, state.weights), expected.gradients)).toBeLessThan(1e-5);
    });

    it('gives the gradient of a maximum to the first among equals', async () => {
      const spec = parseSpec({
        version: 1,
        name: 'equal',
        layers: [
          { type: 'embedding', inputDim: 9, outputDim: 3 },
          { type: 'pooling', kind: 'max' },
          { type: 'dense', units: 1 },
        ],
      });
      const weights = new Map(randomWeights(spec, 1));
      const embeddings = weights.get('embedding/embeddings') as Tensor; // [9, 3]
      weights.set('embedding/embeddings', {
        ...embeddings,
        data: embeddings.data.map((_, i, all) => all[i % 3] as number),
      });
      const batch = { rows: 2, time: 4, ids: Int32Array.of(5, 3, 5, 1, 2, 7, 8, 2), targets: Int32Array.of(0, 1) };
      const moved = await withEngine(spec, weights, sgd, async (engine) => {
        await engine.step(batch, address, 1);
        return (await engine.state()).weights.get('embedding/embeddings') as Tensor;
      });
      const touched = Array.from({ length: 9 }, (_, id) =>
        moved.data.slice(3 * id, 3 * id + 3).some((value, j) => value !== embeddings.data[j]),
      );
      expect(touched.flatMap((is, id) => (is ? [id] : []))).toEqual([2, 5]);
    });

    it('computes a softmax between layers of sums that exp cannot hold', async () => {
      const spec = parseSpec({
        version: 1,
        name: 'large',
        layers: [
          { type: 'embedding', inputDim: 9, outputDim: 3 },
          { type: 'pooling', kind: 'average' },
          { type: 'dense', units: 4, activation: 'softmax' },
          { type: 'dense', units: 1 },
        ],
      });
      const weights = new Map(randomWeights(spec, 1));
      weights.set('dense/bias', { shape: [4], data: Float32Array.of(100, 99, 98, 0) });
      const batch = randomBatch(spec, 5, 3, 1);
      const expected = referenceForward({ spec, weights }, batch.ids, 5, 3);
      const { logits } = await withEngine(spec, weights, sgd, (engine) => engine.evaluate(batch));
      expect(relativeError(logits, expected.logits)).toBeLessThan(2 * tolerance); // sums of 100 are rounded to 4e-6
    });

    it.each([
      adam,
      { type: 'adam', beta1: 0.5, beta2: 0.9, epsilon: 1e-3 },
      { type: 'adam-pytorch', beta1: 0.5, beta2: 0.9, epsilon: 1e-3 },
      { type: 'rmsprop', rho: 0.8, epsilon: 1e-5 },
      sgd,
      { type: 'sgd', momentum: 0.9, nesterov: false },
      { type: 'sgd', momentum: 0.9, nesterov: true },
    ] as const satisfies OptimiserOptions[])(
      'moves weights and moments as the float64 formulas do: %o',
      async (optimiser) => {
        const spec = parseSpec({
          version: 1,
          name: 'moved',
          layers: [
            { type: 'embedding', inputDim: 500, outputDim: 17 }, // more values than an engine may move at once
            { type: 'lstm', units: 4 },
            { type: 'dense', units: 1 },
          ],
        });
        const start = randomWeights(spec, 2);
        const rate = 0.01;
        let expected = new Map<string, Optimised>(
          [...start].map(([name, { data }]) => [name, { weight: Float64Array.from(data), moments: [] }]),
        );
        const got = await withEngine(spec, start, optimiser, async (engine) => {
          for (let step = 0; step < 8; step++) {
            const batch = randomBatch(spec, maxRows, 5, step);
            await engine.step(batch, { ...address, step }, rate);
            const weights: ReferenceWeights = new Map(
              [...expected].map(([name, { weight }]) => [name, { shape: start.get(name)?.shape ?? [], data: weight }]),
            );
            const { gradients } = referenceGradients({ spec, weights }, batch);
            expected = new Map(
              [...expected].map(([name, before]) => [
                name,
                textbookUpdate(optimiser, rate, step + 1, before, gradients.get(name) ?? []),
              ]),
            );
          }
          return engine.state();
        });
        expect(got.optimiser.step).toBe(8);
        for (const [name, { weight, moments }] of expected) {
          // Adam divides small gradients by their own size: an error of 1e-7 in one of 1e-5 is one in a hundred of a move
          expect(largestDifference(got.weights.get(name)?.data ?? [], weight), name).toBeLessThan(1e-4);
          moments.forEach((moment, k) => {
            const [kind = '', byName] = [...got.optimiser.moments][k] ?? [];
            // TensorFlow takes 1 − β₂ of a float32 β₂, 1.3e-5 of 0.001 beside the exact one
            const allowed = 1e-6 + 1e-4 * Math.max(...moment.map(Math.abs));
            expect(largestDifference(byName?.get(name) ?? [], moment), `${kind} of ${name}`).toBeLessThan(allowed);
          });
        }
      },
    );

    it("moves a weight by the learning rate in Adam's first step, to the last places", async () => {
      const spec = parseSpec({
        version: 1,
        name: 'first',
        layers: [
          { type: 'embedding', inputDim: 9, outputDim: 3 },
          { type: 'pooling', kind: 'average' },
          { type: 'dense', units: 1 },
        ],
      });
      const weights = randomWeights(spec, 2);
      const batch = randomBatch(spec, 1, 3, 2);
      const [gradient] = referenceGradients({ spec, weights }, batch).gradients.get('dense/bias') as unknown as [
        number,
      ];
      expect(Math.abs(gradient)).toBeGreaterThan(0.1);
      const [beta2, epsilon] = [0.999, 1e-7];
      const moved = await withEngine(spec, weights, { type: 'adam', beta1: 0.9, beta2, epsilon }, async (engine) => {
        await engine.step(batch, address, 1);
        return (await engine.state()).weights;
      });
      const move = gradientsBetween(weights, moved).get('dense/bias')?.[0] as number;
      // √v of one gradient is √(1 − β₂) of it; the correction of the rate must take the same root, or it is off by 6e-6
      expect(Math.abs(move - gradient / (Math.abs(gradient) + epsilon / Math.sqrt(1 - beta2)))).toBeLessThan(1e-6);
    });

    it.each([
      { classWeights: [0.5, 3, 1.5] },
      { l2: true },
      { globalClipNorm: 0.05 },
      { globalClipNorm: 1e3 },
      { clipValue: 0.01 },
      { classWeights: [0.5, 3, 1.5], l2: true, globalClipNorm: 0.2 },
    ] as const)('weighs classes, penalises and clips as the float64 formulas do: %o', async (given) => {
      const spec = parseSpec({
        version: 1,
        name: 'adjusted',
        layers: [
          { type: 'embedding', inputDim: 300, outputDim: 17 }, // more rows than a batch looks up
          { type: 'gru', units: 4 },
          { type: 'dense', units: 3, activation: 'softmax' },
        ],
      });
      const l2 = 'l2' in given ? penalties : undefined;
      const stepOptions: StepOptions = { ...given, l2 };
      const start = randomWeights(spec, 4);
      const engine = await provider.prepare({ spec, weights: start, optimiser: sgd, threads, stepOptions });
      try {
        let expected: ReferenceWeights = new Map(
          [...start].map(([name, { shape, data }]) => [name, { shape, data: Float64Array.from(data) }]),
        );
        for (let step = 0; step < 3; step++) {
          const batch = randomBatch(spec, step === 1 ? 1 : maxRows, 5, step); // of one row: other threads have nothing to add
          const { loss } = await engine.step(batch, { ...address, step }, 1);
          const textbook = adjustedGradients(stepOptions, { spec, weights: expected }, batch);
          // of the order of 1, with some ten penalties of a few hundred squares each
          expect(Math.abs(loss - textbook.loss)).toBeLessThan(2 * tolerance);
          expected = new Map(
            [...expected].map(([name, { shape, data }]) => [
              name,
              { shape, data: data.map((value, i) => value - (textbook.gradients.get(name)?.[i] as number)) },
            ]),
          );
        }
        const { weights } = await engine.state();
        for (const [name, { data }] of expected) {
          expect(relativeError((weights.get(name) as Tensor).data, data), name).toBeLessThan(2 * tolerance);
        }
        // evaluation knows nothing of all this
        const batch = randomBatch(spec, maxRows, 5, 9);
        const plain = referenceGradients({ spec, weights: expected }, batch);
        expect(Math.abs((await engine.evaluate(batch)).loss - plain.loss)).toBeLessThan(2 * tolerance);
      } finally {
        await engine.dispose();
      }
    });

    it('clips gradients by a length whose square is no float32', async () => {
      const spec = parseSpec({
        version: 1,
        name: 'steep',
        layers: [
          { type: 'embedding', inputDim: 4, outputDim: 2 },
          { type: 'pooling', kind: 'average' },
          { type: 'dense', units: 1, useBias: false },
        ],
      });
      const weights = new Map([
        ['embedding/embeddings', { shape: [4, 2], data: new Float32Array(8).fill(1e20) }],
        ['dense/kernel', { shape: [2, 1], data: Float32Array.of(3, -2) }],
      ]);
      const batch = { rows: 1, time: 1, ids: Int32Array.of(1), targets: Int32Array.of(0) }; // taken for class 1
      const stepOptions = { globalClipNorm: 0.5 };
      const engine = await provider.prepare({ spec, weights, optimiser: sgd, threads, stepOptions });
      try {
        await engine.step(batch, address, 1);
        const kernel = (await engine.state()).weights.get('dense/kernel') as Tensor;
        // both gradients are 1e20, those of the embedding nothing beside them
        expect(largestDifference(kernel.data, [3 - 0.5 / Math.SQRT2, -2 - 0.5 / Math.SQRT2])).toBeLessThan(1e-6);
      } finally {
        await engine.dispose();
      }
    });

    it(`repeats ${repeats}, and goes on ${repeats} from a saved state`, async () => {
      const weights = randomWeights(lstm, 3);
      const batches = [5, 1, 5, 3, 2].map((rows, seed) => randomBatch(lstm, rows, 4, seed));
      const steps = async (engine: Engine, from: number) => {
        for (let step = from; step < batches.length; step++) {
          await engine.step(batches[step] as (typeof batches)[number], { seed: 0, epoch: 0, step }, 0.01);
        }
        return engine.state();
      };
      const first = await withEngine(lstm, weights, adam, (engine) => steps(engine, 0));
      const again = await withEngine(lstm, weights, adam, (engine) => steps(engine, 0));
      expectSame(again, first);

      const half = await withEngine(lstm, weights, adam, async (engine) => {
        for (let step = 0; step < 2; step++) {
          await engine.step(batches[step] as (typeof batches)[number], { seed: 0, epoch: 0, step }, 0.01);
        }
        return engine.state();
      });
      const resumed = await withEngine(lstm, weights, adam, async (engine) => {
        await engine.restore(half);
        return steps(engine, 2);
      });
      expectSame(resumed, first);
    });

    it('keeps neither the weights that it was given nor those that it gave', async () => {
      const weights = randomWeights(lstm, 3);
      const before = structuredClone(weights);
      const batch = randomBatch(lstm, 4, 3, 1);
      await withEngine(lstm, weights, sgd, async (engine) => {
        const state = await engine.state();
        const kept = structuredClone(state.weights);
        await engine.step(batch, address, 0.5);
        expect(state.weights).toEqual(kept);
        expect((await engine.state()).weights).not.toEqual(kept);
      });
      expect(weights).toEqual(before);
    });

    it('does calls made at once in turn, each with the batch that it was given', async () => {
      const weights = randomWeights(lstm, 6);
      const given = [4, 2, 4].map((rows, seed) => randomBatch(lstm, rows, 6, seed));
      const alone = await withEngine(lstm, weights, sgd, async (engine) => {
        const [first, second, third] = given as [Batch, Batch, Batch];
        return [await engine.evaluate(first), await engine.step(second, address, 0.1), await engine.evaluate(third)];
      });
      await withEngine(lstm, weights, sgd, async (engine) => {
        const [first, second, third] = structuredClone(given) as [Batch, Batch, Batch];
        const calls = [engine.evaluate(first), engine.step(second, address, 0.1), engine.evaluate(third)];
        for (const { ids, targets } of [first, second, third]) {
          ids.fill(1);
          targets.fill(0);
        }
        expectSame(await Promise.all(calls), alone);
      });
    });

    it('begins from zeros again after a batch that brought states', async () => {
      const weights = randomWeights(lstm, 7);
      const batch = randomBatch(lstm, 4, 6, 4);
      await withEngine(lstm, weights, sgd, async (engine) => {
        const before = await engine.evaluate(batch);
        const moved = await engine.evaluate({ ...batch, initialStates: randomStates(lstm, 4, 4) });
        expect(moved.logits).not.toEqual(before.logits);
        expect(await engine.evaluate(batch)).toEqual(before);
      });
    });

    it('gives a row the same result whatever its batch mates', async () => {
      const weights = randomWeights(lstm, 4);
      const batch = randomBatch(lstm, 5, 6, 2);
      await withEngine(lstm, weights, sgd, async (engine) => {
        const together = await engine.evaluate(batch);
        for (let row = 0; row < 5; row++) {
          const alone = await engine.evaluate({
            rows: 1,
            time: 6,
            ids: batch.ids.slice(6 * row, 6 * row + 6),
            targets: batch.targets.slice(row, row + 1),
          });
          expect(relativeError(alone.logits, together.logits.slice(row, row + 1))).toBeLessThan(tolerance);
        }
      });
    });

    it('draws other masks for another step, and none in evaluation', async () => {
      const weights = randomWeights(lstm, 5);
      const batch = randomBatch(lstm, 5, 6, 3);
      const lossAt = (step: number) =>
        withEngine(lstm, weights, sgd, async (engine) => (await engine.step(batch, { ...address, step }, 0)).loss);
      expect(await lossAt(1)).not.toBe(await lossAt(2));
      expect(await lossAt(1)).toBe(await lossAt(1));
    });

    it('learns: Adam brings the loss of a memorable batch near zero', async () => {
      const spec = parseSpec({
        version: 1,
        name: 'memory',
        layers: [
          { type: 'embedding', inputDim: 9, outputDim: 4 },
          { type: 'gru', units: 6 },
          { type: 'dense', units: 3, activation: 'softmax' },
        ],
      });
      const ids = Int32Array.from([1, 2, 3, 4, 3, 2, 1, 4, 5, 6, 7, 8]); // 4 rows × 3 steps
      const batch = { rows: 4, time: 3, ids, targets: Int32Array.of(0, 1, 2, 0) };
      await withEngine(spec, initialWeights(planModel(spec), 0), adam, async (engine) => {
        const { loss: before } = await engine.evaluate(batch);
        for (let step = 0; step < 150; step++) await engine.step(batch, { seed: 0, epoch: 0, step }, 0.02);
        const { loss, correct } = await engine.evaluate(batch);
        expect(before).toBeGreaterThan(1);
        expect(loss).toBeLessThan(0.05);
        expect(correct).toBe(4);
      });
    });

    it('refuses everything after dispose, which may come twice', async () => {
      const weights = randomWeights(lstm, 3);
      const batch = randomBatch(lstm, 2, 3, 1);
      const engine = await provider.prepare({ spec: lstm, weights, optimiser: sgd, threads });
      const state = await engine.state();
      await engine.dispose();
      await engine.dispose();
      const calls = [
        () => engine.step(batch, address, 0.1),
        () => engine.evaluate(batch),
        () => engine.state(),
        () => engine.restore(state),
      ];
      for (const call of calls) await expect(call()).rejects.toMatchObject({ code: 'DISPOSED' });
    });

    it('refuses what does not fit', async () => {
      const weights = randomWeights(lstm, 3);
      const good = randomBatch(lstm, 2, 3, 1);
      await withEngine(lstm, weights, sgd, async (engine) => {
        const refused = [
          { ...good, rows: 0, ids: new Int32Array(0), targets: new Int32Array(0) },
          { ...good, time: 0, ids: new Int32Array(0) },
          { ...good, rows: 3 },
          { ...good, ids: Int32Array.of(0, 1, 2, 3, 4, 9) },
          { ...good, ids: Int32Array.of(0, 1, 2, 3, 4, -1) },
          { ...good, targets: Int32Array.of(0, 2) },
          { ...good, initialStates: new Map([['gru/c', new Float32Array(6)]]) },
          { ...good, initialStates: new Map([['gru/h', new Float32Array(5)]]) },
          { ...good, initialStates: new Map([['gru/h', new Float32Array(6).fill(Number.NaN)]]) },
        ];
        for (const batch of refused) {
          await expect(engine.evaluate(batch)).rejects.toMatchObject({ code: 'INPUT_INVALID' });
          await expect(engine.step(batch, address, 0.1)).rejects.toMatchObject({ code: 'INPUT_INVALID' });
        }
      });
      const nan = new Map(weights).set('dense/bias', { shape: [1], data: Float32Array.of(Number.NaN) });
      await expect(provider.prepare({ spec: lstm, weights: nan, optimiser: sgd, threads })).rejects.toMatchObject({
        code: 'WEIGHTS_INVALID',
      });
    });
  });
}

/** λ of every parameter but the biases. */
const penalties = new Map([
  ['embedding/embeddings', 0.003],
  ['gru/kernel', 0.02],
  ['gru/recurrent_kernel', 0.01],
  ['dense/kernel', 0.04],
]);

/** Loss and gradient of a step as the manuals write them, in float64: row by row, then penalty, then clipping. */
function adjustedGradients(
  { classWeights, l2, globalClipNorm, clipValue }: StepOptions,
  model: { readonly spec: ModelSpec; readonly weights: ReferenceWeights },
  { rows, time, ids, targets }: Batch,
): { readonly loss: number; readonly gradients: ReadonlyMap<string, number[]> } {
  const ofRows = Array.from({ length: rows }, (_, row) => ({
    weight: (classWeights?.[targets[row] as number] ?? 1) / rows,
    ...referenceGradients(model, {
      ...{ rows: 1, time, ids: ids.slice(time * row, time * (row + 1)), targets: targets.slice(row, row + 1) },
    }),
  }));
  let loss = ofRows.reduce((sum, row) => sum + row.weight * row.loss, 0);
  const gradients = new Map<string, number[]>();
  for (const [name, { data }] of model.weights) {
    const factor = l2?.get(name) ?? 0;
    loss += factor * Array.from(data).reduce((sum, value) => sum + value ** 2, 0);
    gradients.set(
      name,
      Array.from(data, (value, i) =>
        ofRows.reduce((sum, row) => sum + row.weight * (row.gradients.get(name)?.[i] as number), 2 * factor * value),
      ),
    );
  }
  const norm = Math.hypot(...[...gradients.values()].flat());
  const scale = globalClipNorm === undefined ? 1 : Math.min(1, globalClipNorm / norm);
  const most = clipValue ?? Number.POSITIVE_INFINITY;
  for (const [name, values] of gradients) {
    gradients.set(
      name,
      values.map((value) => Math.max(-most, Math.min(most, scale * value))),
    );
  }
  return { loss, gradients };
}

function staysInRange(spec: ModelSpec, weights: Weights, batch: Batch, masks?: DropoutMasks): void {
  for (const output of referenceLayerOutputs({ spec, weights }, batch, masks).values()) {
    fc.pre(output.every((value) => Math.abs(value) < largestValue));
  }
}

function allowance(movement: number): number {
  fc.pre(movement < chaotic);
  return tolerance + roundings * movement;
}

/** All numbers of a result, in their order. */
function numbersIn(value: unknown): number[] {
  if (typeof value === 'number') return [value];
  if (ArrayBuffer.isView(value)) return Array.from(value as Float32Array);
  if (value instanceof Map) return [...value.values()].flatMap(numbersIn);
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(numbersIn) : [];
}
