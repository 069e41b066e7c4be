import { availableParallelism } from 'node:os';
import { describe, expect, it } from 'vitest';
import { initialWeights } from '../../../models/initialisers.ts';
import { planModel } from '../../../models/plan.ts';
import { parseSpec } from '../../../models/spec.ts';
import { type EngineName, engineNames } from '../../../src/training/engine.ts';
import { costs } from '../../../src/training/engines/costs.ts';
import { expectedStep } from '../../../src/training/engines/expected-cost.ts';
import { selectFastest } from '../../../src/training/engines/fastest.ts';
import { onnxruntimeCudaEngine } from '../../../src/training/engines/onnxruntime/engine.ts';
import {
  type Candidate,
  candidatesOf,
  type EngineRequest,
  selectEngine,
} from '../../../src/training/engines/select.ts';
import { adam } from '../../../src/training/optimisers.ts';
import { randomBatch } from '../../support/arbitrary-spec.ts';

const spec = parseSpec({
  version: 1,
  name: 'select',
  layers: [
    { type: 'embedding', inputDim: 50, outputDim: 4 },
    { type: 'lstm', units: 8 },
    { type: 'dense', units: 1, activation: 'sigmoid' },
  ],
});
const load = { spec, optimiser: adam, rows: 64, time: 20 };
const request = (given: Partial<EngineRequest> = {}): EngineRequest => ({ load, threads: undefined, ...given });
const codeOf = (name: EngineName | 'auto', given: Partial<EngineRequest>) =>
  selectEngine(name, request(given)).then(
    () => 'accepted',
    ({ code, message }: { code: string; message: string }) => `${code} ${message}`,
  );

describe('an engine by name', () => {
  it('gets the threads that were asked for, or the cores there are as far as it can use them', async () => {
    expect((await selectEngine('js', request())).load.threads).toBe(1);
    const { load: taken, provider, note } = await selectEngine('wasm', request({ cores: 3 }));
    expect(taken.threads).toBe(Math.min(3, provider.mostThreads(64)));
    expect(note).toMatch(/^engine wasm, \d threads? \(as asked\)$/);
    expect((await selectEngine('wasm', request({ threads: 1, cores: 3 }))).load.threads).toBe(1);
  });

  it('is refused with more threads than it has work for', async () => {
    expect(await codeOf('js', { threads: 2 })).toMatch(/^OPTION_UNSUPPORTED .*js uses at most 1 thread .*2 were asked/);
    expect(await codeOf('auto', { threads: 1024 })).toMatch(/^OPTION_UNSUPPORTED .*wasm.*onnxruntime.*js/);
  });
});

describe('auto', () => {
  it('takes what the table expects to be the fastest, for every number of cores and size', async () => {
    for (const cores of [1, 2, 5, 64]) {
      for (const units of [4, 64, 300]) {
        const wide = parseSpec({ ...spec, layers: [spec.layers[0], { type: 'gru', units }, spec.layers[2]] });
        const given = request({ cores, load: { ...load, spec: wide } });
        const { provider, load: taken, note } = await selectEngine('auto', given);
        const { candidates } = await candidatesOf(['wasm', 'onnxruntime'], given);
        const times = candidates.map((candidate) =>
          expectedStep(costs, candidate.provider.name, candidate.load, candidate.provider.mostThreads(64)),
        );
        const least = Math.min(...times.map((ms) => ms ?? Number.POSITIVE_INFINITY));
        expect(expectedStep(costs, provider.name, taken, provider.mostThreads(64))).toBe(least);
        expect(taken.threads).toBeLessThanOrEqual(cores);
        expect(note).toMatch(/^engine \w+, \d+ threads? \([\d.]+ ms a step expected/);
        expect(await selectEngine('auto', given)).toEqual({ provider, load: taken, note });
      }
    }
  });

  it('keeps to the threads that were asked for', async () => {
    expect((await selectEngine('auto', request({ threads: 1, cores: 8 }))).load.threads).toBe(1);
  });
});

describe('an engine that cannot address a batch', () => {
  const long = { ...load, time: 1_000_000 };

  it('is passed over by auto, and refused by name, with the sizes', async () => {
    expect((await selectEngine('auto', request({ load: long }))).provider.name).not.toBe('wasm');
    expect(await codeOf('wasm', { load: long })).toMatch(
      /^OPTION_UNSUPPORTED .*batches of 64 rows and 1000000 steps need [\d.]+ GB, and it can address 4\.3 GB/,
    );
  });
});

describe('fastest', () => {
  const trial = {
    weights: initialWeights(planModel(spec), 0),
    seed: 0,
    learningRate: 0.01,
    batches: () => [randomBatch(spec, 64, 20, 1), randomBatch(spec, 64, 20, 2)],
    refusal: () => undefined,
  };

  it('times every engine that can do it, takes the fastest and says by how much', async () => {
    const { provider, load: taken, note, trials = [] } = await selectFastest(request(), trial);
    expect(taken.threads).toBeLessThanOrEqual(availableParallelism());
    const { candidates } = await candidatesOf(engineNames, request());
    const timed = trials.flatMap((one) => ('ms' in one ? one : []));
    for (const { provider } of candidates)
      expect(timed.map(({ engine }) => engine.split(',')[0])).toContain(provider.name);
    expect(timed.map(({ ms }) => ms)).toEqual(timed.map(({ ms }) => ms).toSorted((a, b) => a - b));
    expect(note).toMatch(/^engine (.*) \([\d.]+ ms a step measured; .*: [\d.]+ ms\)$/);
    expect(timed[0]?.engine).toBe(/^engine (.*) \(/.exec(note)?.[1]);
    expect(timed[0]?.engine).toMatch(new RegExp(`^${provider.name}, ${taken.threads} thread`));
  });

  it('names every engine: its time, or why it was not tried', async () => {
    const { trials = [] } = await selectFastest(request({ threads: 1 }), trial);
    expect(new Set(trials.map(({ engine }) => engine.split(',')[0]))).toEqual(new Set(engineNames));
    const refused = new Map(trials.flatMap((one) => ('reason' in one ? [[one.engine, one.reason]] : [])));
    const onCuda = await onnxruntimeCudaEngine.refusal(spec);
    expect(refused.get('onnxruntime-cuda')).toBe(onCuda);
    if (onCuda !== undefined) expect(onCuda).toMatch(/execution provider cuda is not available: .*recurrent setup gpu/);
  });

  it('takes the step on CUDA by name, or refuses it with what would bring it', async () => {
    const onCuda = await onnxruntimeCudaEngine.refusal(spec);
    expect(onnxruntimeCudaEngine.mostThreads(load.rows)).toBe(1);
    const taken = await selectEngine('onnxruntime-cuda', request()).then(
      ({ load }) => load.threads,
      ({ code, message }) => ({ code, message }),
    );
    expect(taken).toEqual(
      onCuda === undefined ? 1 : { code: 'OPTION_UNSUPPORTED', message: expect.stringContaining(onCuda) },
    );
  });

  it('tries powers of two of threads, and the most there are', async () => {
    const tried: number[] = [];
    const refusal = ({ provider, load }: Candidate) => {
      if (provider.name === 'wasm') tried.push(load.threads);
      return provider.name === 'js' ? undefined : 'too large';
    };
    await selectFastest(request({ cores: 7 }), { ...trial, refusal });
    expect(tried).toEqual([1, 2, 4, 7]);
  });

  it('leaves out what must not be tried, and says why', async () => {
    const { provider } = await selectFastest(request({ threads: 1 }), {
      ...trial,
      refusal: ({ provider }) => (provider.name === 'js' ? undefined : 'too large'),
    });
    expect(provider.name).toBe('js');
    await expect(selectFastest(request(), { ...trial, refusal: () => 'too large' })).rejects.toMatchObject({
      code: 'OPTION_UNSUPPORTED',
      message: expect.stringContaining('js, 1 thread: too large'),
    });
  });
});
