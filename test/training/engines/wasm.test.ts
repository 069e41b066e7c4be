import { setFlagsFromString } from 'node:v8';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Activation, activationConstants, activations } from '../../../models/activations.ts';
import type { ModelSpec, SpecInput } from '../../../models/layers.ts';
import { parseSpec } from '../../../models/spec.ts';
import { philoxAddress } from '../../../src/core/random.ts';
import { dropoutMask } from '../../../src/training/dropout.ts';
import { wasmEngineOf } from '../../../src/training/engines/wasm/engine.ts';
import { availableBuilds, loadKernels } from '../../../src/training/engines/wasm/kernels.ts';
import { adam, sgd } from '../../../src/training/optimisers.ts';
import { describeEngine } from '../../contract/engine.ts';
import { errorsOf } from '../../contract/engine-cases.ts';
import { keepsNoTraces } from '../../contract/keeps-no-traces.ts';
import { randomBatch, randomWeights } from '../../support/arbitrary-spec.ts';
import { largestDifference } from '../../support/largest-difference.ts';

// Node 20 has relaxed SIMD behind a flag; later versions have it anyway, and do not know the flag.
setFlagsFromString('--experimental-wasm-relaxed-simd');

it('has both builds to test here', () => expect(availableBuilds()).toEqual(['relaxed', 'plain']));

for (const build of availableBuilds()) {
  describe(`${build} SIMD`, () => {
    const provider = wasmEngineOf(build);
    describeEngine({ provider, cases: build === 'plain' ? 400 : 150 });

    describe('sizes that do not fill a vector, a panel or a group', () => {
      const sizes = [
        { type: 'lstm', rows: 1, time: 101, units: 1 },
        { type: 'lstm', rows: 3, time: 2, units: 17 },
        { type: 'lstm', rows: 65, time: 5, units: 8 },
        { type: 'lstm', rows: 7, time: 2, units: 128 },
        { type: 'gru', rows: 64, time: 2, units: 16 },
        { type: 'gru', rows: 7, time: 101, units: 3 },
        { type: 'gru', rows: 3, time: 3, units: 128 },
        { type: 'gruBefore', rows: 65, time: 2, units: 5 },
        { type: 'gruBefore', rows: 7, time: 101, units: 8 },
        { type: 'gruBefore', rows: 1, time: 2, units: 128 },
        { type: 'simpleRnn', rows: 65, time: 1, units: 17 },
        { type: 'simpleRnn', rows: 3, time: 101, units: 16 },
        { type: 'simpleRnn', rows: 8, time: 2, units: 128 },
      ] as const;
      it.each(sizes)('$type, $rows rows, $time steps, $units units', async ({ type, rows, time, units }) => {
        const layer = {
          lstm: { type: 'lstm', units },
          gru: { type: 'gru', units },
          gruBefore: { type: 'gru', units, resetAfter: false },
          simpleRnn: { type: 'simpleRnn', units },
        }[type] as SpecInput['layers'][number];
        const spec = specOf([
          { type: 'embedding', inputDim: 50, outputDim: 5, maskZero: rows % 2 === 1 },
          { type: 'bidirectional', layer: layer as never },
          { type: 'dense', units: 3, activation: 'softmax' },
        ]);
        const batch = randomBatch(spec, rows, time, units);
        const errors = await errorsOf({ provider, threads: 1 }, { spec, weights: randomWeights(spec, 7), batch });
        expect(Math.max(errors.logits, errors.gradients)).toBeLessThan(tolerance);
      });
    });

    it('gives the same bytes in two runs over batches of many shapes', async () => {
      const spec = specOf([
        { type: 'embedding', inputDim: 30, outputDim: 6, maskZero: true },
        { type: 'lstm', units: 9, dropout: 0.2, recurrentDropout: 0.2, returnSequences: true },
        { type: 'dropout', rate: 0.3 },
        { type: 'gru', units: 5 },
        { type: 'dense', units: 1 },
      ]);
      const run = async () => {
        const engine = await provider.prepare({ spec, weights: randomWeights(spec, 1), optimiser: adam, threads: 1 });
        for (const [step, [rows, time]] of (
          [
            [9, 4],
            [2, 50],
            [9, 4],
            [64, 3],
            [1, 1],
            [2, 50],
          ] as const
        ).entries()) {
          const batch = randomBatch(spec, rows, time, step);
          await engine.step(batch, { seed: 3, epoch: 0, step }, 0.01);
          await engine.evaluate(randomBatch(spec, 17, 7, step));
        }
        return engine.state();
      };
      expect(await run()).toEqual(await run());
    });

    it('keeps no traces of gradients that have faded, in moments or on the way back', () => keepsNoTraces(provider));

    it('refuses a batch that cannot fit, with its size, and works on', async () => {
      const spec = specOf([
        { type: 'embedding', inputDim: 9, outputDim: 3 },
        { type: 'lstm', units: 1000 },
        { type: 'dense', units: 1 },
      ]);
      const engine = await provider.prepare({ spec, weights: randomWeights(spec, 2), optimiser: sgd, threads: 1 });
      const tooLarge = { rows: 512, time: 1000, ids: new Int32Array(512_000), targets: new Int32Array(512) };
      await expect(engine.step(tooLarge, { seed: 0, epoch: 0, step: 0 }, 0)).rejects.toMatchObject({
        code: 'OPTION_UNSUPPORTED',
        message: expect.stringMatching(
          /^a batch of 512 × 1000 ids needs \d+ MiB, a WebAssembly memory has 4095 MiB at most$/,
        ),
      });
      expect((await engine.evaluate(randomBatch(spec, 2, 2, 1))).loss).toBeGreaterThan(0);
    });
  });

  describe(`kernels, ${build} SIMD`, () => {
    const at = 8192;

    it.each(activations)('%s over the whole range of float32, and NaN', async (activation) => {
      const xs = Float32Array.from([
        ...Array.from({ length: 40_001 }, (_, i) => (i - 20_000) / 1000),
        ...Array.from({ length: 77 }, (_, i) => 10 ** (i / 2 - 38)).flatMap((x) => [x, -x]),
        Number.NaN,
        0,
        0,
        0,
      ]);
      const { kernels, memory } = await loadKernels(build);
      memory.grow(10);
      const values = new Float32Array(memory.buffer, at, 4 * Math.ceil(xs.length / 4));
      values.set(xs);
      kernels.activateRange(activations.indexOf(activation), at, at, values.byteLength);
      const errors = Array.from(xs, (x, i) => {
        const expected = exact[activation](x);
        return Math.abs((values[i] as number) - expected) / Math.max(1, Math.abs(expected));
      });
      expect(values[xs.findIndex(Number.isNaN)]).toBeNaN();
      // the rational approximation is within 3.4e-7 (its header says why); scaledTanh multiplies that by 1.7
      expect(Math.max(...errors.filter((error) => !Number.isNaN(error)))).toBeLessThan(6e-7);
    });

    it('tanh and sigmoid are within 3.4e-7, and odd about their middle', async () => {
      const { kernels, memory } = await loadKernels(build);
      memory.grow(30);
      const xs = Float32Array.from({ length: 100_000 }, (_, i) => i / 10_000);
      const run = (activation: Activation, sign: number) => {
        const values = new Float32Array(memory.buffer, at, xs.length);
        values.set(xs.map((x) => sign * x));
        kernels.activateRange(activations.indexOf(activation), at, at, values.byteLength);
        return values.slice();
      };
      for (const activation of ['tanh', 'sigmoid'] as const) {
        const values = run(activation, 1);
        expect(largestDifference(values, Array.from(xs, exact[activation]))).toBeLessThan(3.4e-7);
        expect(values.every((y) => y <= 1)).toBe(true);
      }
      expect(Buffer.from(run('tanh', -1).map((y) => -y).buffer).equals(Buffer.from(run('tanh', 1).buffer))).toBe(true);
    });

    it('is exact where float32 cannot tell a saturated value from its end, and the slope there is 0', async () => {
      const { kernels, memory } = await loadKernels(build);
      memory.grow(2);
      const alpha = Math.fround(scaledTanh.alpha);
      const ends = { tanh: [-1, 1], sigmoid: [0, 1], scaledTanh: [-alpha, alpha], elu: [-1, undefined] } as const;
      const xs = [20, 24, 40, 87, 89, 1e3, 1e10, 1e38, Number.POSITIVE_INFINITY];
      for (const [activation, [low, high]] of Object.entries(ends)) {
        const code = activations.indexOf(activation as Activation);
        for (const [end, signed] of [
          [low, xs.map((x) => -x)],
          [high, xs],
        ] as const) {
          if (end === undefined) continue;
          const bytes = 4 * 12;
          const [values, ones, slopes] = [0, 1, 2].map((k) => new Float32Array(memory.buffer, at + bytes * k, 12));
          values?.fill(signed[0] ?? 0).set(signed);
          ones?.fill(1);
          kernels.activateRange(code, at, at, bytes);
          kernels.activationGradient(code, at + 2 * bytes, at, at + bytes, bytes);
          expect(values, activation).toEqual(new Float32Array(12).fill(end));
          expect(slopes, activation).toEqual(new Float32Array(12));
        }
      }
    });

    it('rounds gradients to multiples of 2⁻⁶⁰ and their squares to those of 2⁻¹⁰⁰, no coarser and no finer', async () => {
      const { kernels, memory } = await loadKernels(build);
      memory.grow(1);
      const [weights, gradients, means, variances] = [0, 1, 2, 3].map(
        (k) => new Float32Array(memory.buffer, at + 16 * k, 4),
      );
      const exponents = [-20, -40, -48, -70];
      gradients?.set(exponents.map((exponent) => 1.3 * 2 ** exponent));
      kernels.adam(at, at + 16, 1, 0, at + 32, at + 48, 16, 0, 0.1, 0.001, 1e-7);
      for (const [i, exponent] of exponents.entries()) {
        const gradient = 1.3 * 2 ** exponent;
        const [mean, variance] = [means?.[i] as number, variances?.[i] as number];
        // beside the grain, float32's own 2⁻²⁴ of each of some factors
        expect(Math.abs(mean - 0.1 * gradient)).toBeLessThanOrEqual(2 ** -61 + 2 ** -21 * gradient);
        expect(Math.abs(variance - 0.001 * gradient ** 2)).toBeLessThanOrEqual(2 ** -101 + 2 ** -21 * gradient ** 2);
        for (const [value, grain] of [
          [mean, 2 ** -60],
          [variance, 2 ** -100],
        ] as const)
          expect((value / grain) % 1).toBe(0);
      }
      expect(means?.[2]).not.toBe(0);
      expect(means?.[3]).toBe(0);
      expect(weights).toEqual(new Float32Array(4));
    });

    it('draws the dropout masks of every engine', async () => {
      const { kernels, memory } = await loadKernels(build);
      memory.grow(1);
      fc.assert(
        fc.property(
          fc.record({ seed: fc.maxSafeNat(), epoch: fc.nat(), step: fc.nat() }),
          fc.nat({ max: 1000 }),
          fc.double({ min: 0.01, max: 0.99, noNaN: true }),
          fc.integer({ min: 1, max: 50 }),
          (address, stream, rate, size) => {
            const { key, counter } = philoxAddress({ ...address, purpose: 'dropout', stream });
            const [, c1, c2, c3] = counter as unknown as [number, number, number, number];
            const got = new Float32Array(memory.buffer, at, size + 1).fill(7);
            kernels.dropoutMask(at, size, 0, rate, 1 / (1 - rate), c1, c2, c3, key[0], key[1]);
            expect(got.slice(0, size)).toEqual(dropoutMask(address, 'dropout', stream, rate, size));
            expect(got[size]).toBe(7);
          },
        ),
      );
    });
  });
}

/** Gradients and logits of the order of 1, through at most 101 steps of products of at most 256 terms. */
const tolerance = 5e-6;

function specOf(layers: SpecInput['layers']): ModelSpec {
  return parseSpec({ version: 1, name: 'test', layers });
}

/** In float64, from the definitions. */
const { hardSigmoid, hardSigmoidLegacy, elu, leakyRelu, thresholdedRelu, scaledTanh } = activationConstants;
const clip = (x: number) => Math.min(Math.max(x, 0), 1);
const exact = {
  tanh: Math.tanh,
  sigmoid: (x: number) => 1 / (1 + Math.exp(-x)),
  relu: (x: number) => Math.max(x, 0),
  hardSigmoid: (x: number) => clip(hardSigmoid.alpha * x + hardSigmoid.beta),
  hardSigmoidLegacy: (x: number) => clip(hardSigmoidLegacy.alpha * x + hardSigmoidLegacy.beta),
  softsign: (x: number) => x / (1 + Math.abs(x)),
  softplus: (x: number) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
  elu: (x: number) => (x > 0 ? x : elu.alpha * Math.expm1(x)),
  leakyRelu: (x: number) => (x > 0 ? x : leakyRelu.alpha * x),
  thresholdedRelu: (x: number) => (x > thresholdedRelu.alpha ? x : 0),
  scaledTanh: (x: number) => scaledTanh.alpha * Math.tanh(scaledTanh.beta * x),
  linear: (x: number) => x,
} as const satisfies Record<Activation, (x: number) => number>;
