/** What the contract suite leaves out: sizes that leave threads without rows, equal bytes, memory, and threads that die. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import { afterAll, describe, expect, it } from 'vitest';
import type { ModelSpec, SpecInput } from '../../../models/layers.ts';
import { parseSpec } from '../../../models/spec.ts';
import type { EngineProvider } from '../../../src/training/engine.ts';
import { jsEngine } from '../../../src/training/engines/js/engine.ts';
import { onnxruntimeEngine } from '../../../src/training/engines/onnxruntime/engine.ts';
import { startWorkers } from '../../../src/training/engines/onnxruntime/workers.ts';
import { loadKernels } from '../../../src/training/engines/wasm/kernels.ts';
import { adam, sgd } from '../../../src/training/optimisers.ts';
import { randomBatch, randomWeights } from '../../support/arbitrary-spec.ts';
import { largestDifference } from '../../support/largest-difference.ts';

type First = Extract<SpecInput['layers'][number], { type: 'embedding' | 'oneHot' }>;
const embedding: First = { type: 'embedding', inputDim: 40, outputDim: 4, maskZero: true };

function specOf(type: 'simpleRnn' | 'lstm' | 'gru', units: number, first: First = embedding): ModelSpec {
  return parseSpec({
    version: 1,
    name: 'threads',
    layers: [
      first,
      { type, units, dropout: 0.25, recurrentDropout: 0.25 },
      { type: 'dense', units: 1, activation: 'sigmoid' },
    ],
  });
}

/** Weights after one step of SGD at learning rate 1, one after another. */
async function stepped(provider: EngineProvider, spec: ModelSpec, threads: number, rows: number, time: number) {
  const engine = await provider.prepare({ spec, weights: randomWeights(spec, 1), optimiser: sgd, threads });
  try {
    await engine.step(randomBatch(spec, rows, time, 2), { seed: 3, epoch: 1, step: 4 }, 1);
    return [...(await engine.state()).weights.values()].flatMap(({ data }) => [...data]);
  } finally {
    await engine.dispose();
  }
}

describe.each(['simpleRnn', 'lstm', 'gru'] as const)('odd sizes of %s', (type) => {
  it.each([
    [1, 1, 1],
    [3, 2, 3],
    [7, 101, 5],
    [64, 2, 8],
    [65, 2, 17],
    [3, 2, 128],
  ])('agrees with engine js, 1 to 3 threads: %i rows, %i steps, %i units', async (rows, time, units) => {
    const spec = specOf(type, units, units % 2 ? { type: 'oneHot', depth: 40 } : embedding);
    const expected = await stepped(jsEngine, spec, 1, rows, time);
    for (const threads of [1, 2, 3]) {
      const got = await stepped(onnxruntimeEngine, spec, threads, rows, time);
      // weights of the order of 1 and sums of some thousand products, in float32
      expect(largestDifference(got, expected)).toBeLessThan(1e-5);
    }
  });
});

it('gives equal bytes in ten runs of two threads', async () => {
  const spec = specOf('lstm', 5);
  const runs = [];
  for (let run = 0; run < 10; run++) runs.push(await stepped(onnxruntimeEngine, spec, 2, 7, 9));
  for (const run of runs) expect(run).toEqual(runs[0]);
});

it('tells more memory for more rows, steps and threads', () => {
  const load = { spec: specOf('lstm', 64), optimiser: adam, threads: 1, rows: 64, time: 100 };
  const bytes = (changed: Partial<typeof load>) =>
    onnxruntimeEngine.memory({ ...load, ...changed }).reduce((sum, part) => sum + part.bytes, 0);
  // the saved states alone: 11 values a unit, a step and a row
  expect(bytes({})).toBeGreaterThan(4 * 64 * 100 * 64 * 11);
  expect(bytes({ rows: 128 })).toBeGreaterThan(bytes({}));
  expect(bytes({ time: 200 })).toBeGreaterThan(bytes({}));
  expect(bytes({ threads: 2 })).toBeGreaterThan(bytes({}));
});

describe('a worker that fails', () => {
  const folder = mkdtempSync(join(tmpdir(), 'recurrent-onnx-workers-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  async function start(program: string) {
    const ort = join(folder, `${program.length}.cjs`);
    writeFileSync(ort, program);
    const models = { training: new Uint8Array(1), evaluation: new Uint8Array(1) };
    const { module, memory } = await loadKernels('plain');
    return startWorkers(2, { ort, providers: ['cpu'], models, optimiser: sgd, module, memory, pieceLength: 16 });
  }
  const run = { kind: 'run', model: 'training', feeds: [], results: [] } as const;

  it('takes the state with it: an update may have been half done', async () => {
    const started: Worker[] = [];
    const note = (worker: Worker) => started.push(worker);
    process.on('worker', note);
    const spec = specOf('gru', 3);
    const weights = randomWeights(spec, 1);
    const engine = await onnxruntimeEngine.prepare({ spec, weights, optimiser: sgd, threads: 2 });
    await setImmediate(); // Node tells of a worker in a tick of its own
    process.off('worker', note);
    const state = await engine.state();
    await started[1]?.terminate();
    const failed = { code: 'ENGINE_FAILED' };
    await expect(engine.state()).rejects.toMatchObject(failed);
    await expect(engine.restore(state)).rejects.toMatchObject(failed);
    await expect(engine.evaluate(randomBatch(spec, 2, 3, 1))).rejects.toMatchObject(failed);
    await engine.dispose();
  });

  it('that cannot start is told', async () => {
    await expect(start('throw new Error("no binary here");')).rejects.toMatchObject({ code: 'ENGINE_FAILED' });
    await expect(start('process.exit(3);')).rejects.toMatchObject({ code: 'ENGINE_FAILED' });
  });

  it('that dies in a step ends the step, and every one after it', async () => {
    const workers = await start('exports.InferenceSession = { create: () => process.exit(7) };');
    await expect(workers.ask([run, run])).rejects.toMatchObject({
      code: 'ENGINE_FAILED',
      message: expect.stringMatching(/code 7/),
    });
    await expect(workers.ask([run, run])).rejects.toMatchObject({ code: 'ENGINE_FAILED' });
    await workers.dispose();
  });

  it('that reports a fault ends the step', async () => {
    const workers = await start('exports.InferenceSession = { create: () => { throw new Error("out of memory"); } };');
    await expect(workers.ask([run, run])).rejects.toMatchObject({
      code: 'ENGINE_FAILED',
      message: expect.stringMatching(/out of memory/),
    });
    await workers.dispose();
  });
});
