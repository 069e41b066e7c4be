import { setImmediate } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import type { ModelSpec, SpecInput } from '../../../models/layers.ts';
import { parseSpec } from '../../../models/spec.ts';
import type { Tensor } from '../../../models/weights.ts';
import { referenceForward } from '../../../src/reference/reference.ts';
import type { Batch, Engine } from '../../../src/training/engine.ts';
import { gatherCrew, mailboxBytes } from '../../../src/training/engines/wasm/crew.ts';
import { wasmEngine } from '../../../src/training/engines/wasm/engine.ts';
import { firstFree, loadKernels } from '../../../src/training/engines/wasm/kernels.ts';
import { adam, sgd } from '../../../src/training/optimisers.ts';
import { describeEngine } from '../../contract/engine.ts';
import { errorsOf } from '../../contract/engine-cases.ts';
import { randomBatch, randomWeights } from '../../support/arbitrary-spec.ts';
import { largestDifference } from '../../support/largest-difference.ts';

describeEngine({ provider: wasmEngine, threads: 2, maxRows: 40, cases: 40 });
describeEngine({ provider: wasmEngine, threads: 3, maxRows: 40, cases: 20 });

const address = { seed: 5, epoch: 1, step: 3 };

function specOf(...layers: SpecInput['layers']): ModelSpec {
  return parseSpec({ version: 1, name: 'test', layers });
}

const dropping = specOf(
  { type: 'embedding', inputDim: 30, outputDim: 6, maskZero: true },
  {
    type: 'bidirectional',
    layer: { type: 'lstm', units: 5, dropout: 0.2, recurrentDropout: 0.3, returnSequences: true },
  },
  { type: 'dropout', rate: 0.3 },
  { type: 'gru', units: 5, recurrentDropout: 0.3 },
  { type: 'dropout', rate: 0.5 },
  { type: 'dense', units: 3, activation: 'softmax' },
);

/** Of more weights than one thread would update: 80,000. */
const large = specOf(
  { type: 'embedding', inputDim: 5000, outputDim: 16 },
  { type: 'lstm', units: 8 },
  { type: 'dense', units: 1, activation: 'sigmoid' },
);

const oneHot = specOf(
  { type: 'oneHot', depth: 30 },
  { type: 'simpleRnn', units: 7, dropout: 0.4 },
  { type: 'dense', units: 1, activation: 'sigmoid' },
);

function prepare(spec: ModelSpec, threads: number, optimiser: typeof adam = adam): Promise<Engine> {
  return wasmEngine.prepare({ spec, weights: randomWeights(spec, 1), optimiser, threads });
}

/** An engine and the workers that it started. */
async function withWorkers(spec: ModelSpec, threads: number): Promise<{ engine: Engine; workers: Worker[] }> {
  const workers: Worker[] = [];
  const note = (worker: Worker) => workers.push(worker);
  process.on('worker', note);
  try {
    const engine = await prepare(spec, threads);
    await setImmediate(); // Node tells of a worker in a tick of its own, which quick workers do not wait for
    return { engine, workers };
  } finally {
    process.off('worker', note);
  }
}

describe('threads of engine wasm', () => {
  it('one starts no worker, three start two', async () => {
    for (const threads of [1, 3]) {
      const { engine, workers } = await withWorkers(dropping, threads);
      expect(engine.threads).toBe(threads);
      expect(workers).toHaveLength(threads - 1);
      await engine.dispose();
    }
  });

  it('as many as there are groups of eight rows have something to do', () => {
    expect([1, 8, 9, 64, 65].map((rows) => wasmEngine.mostThreads(rows))).toEqual([1, 1, 2, 8, 9]);
  });

  it.each([1, 3, 7, 9, 64, 65])(
    'two or three share %i rows: gradients of the reference, its dropout masks',
    async (rows) => {
      for (const spec of [dropping, oneHot]) {
        const model = { spec, weights: randomWeights(spec, 1), batch: randomBatch(spec, rows, 4, rows) };
        for (const threads of [2, 3]) {
          const errors = await errorsOf({ provider: wasmEngine, threads }, model);
          expect(Math.max(errors.logits, errors.gradients), `${threads} threads`).toBeLessThan(tolerance);
        }
      }
    },
  );

  it('gives equal bytes in ten runs of two threads, uneven batches between', async () => {
    const run = async () => {
      const engine = await prepare(dropping, 2);
      for (const [step, rows] of [64, 64, 9, 33, 64, 1].entries()) {
        await engine.step(randomBatch(dropping, rows, 12, step), { ...address, step }, 0.01);
        await engine.evaluate(randomBatch(dropping, 20, 5, step));
      }
      const state = await engine.state();
      await engine.dispose();
      return state;
    };
    const first = await run();
    for (let again = 1; again < 10; again++) expect(await run()).toEqual(first);
  });

  it.each([
    ['updated by one thread', dropping],
    ['updated by all', large],
  ])('give the weights of one after three steps, but for roundings: %s', async (_, spec) => {
    const batch = randomBatch(spec, 64, 30, 2);
    const weightsOf = async (threads: number) => {
      const engine = await prepare(spec, threads, sgd);
      for (let step = 0; step < 3; step++) await engine.step(batch, { ...address, step }, 1);
      const { weights } = await engine.state();
      await engine.dispose();
      return weights;
    };
    const alone = await weightsOf(1);
    for (const threads of [2, 3, 8]) {
      for (const [name, { data }] of await weightsOf(threads)) {
        // weights of the order of 1, whose gradients are rounded once more in each step: a few units in the last place
        expect(largestDifference(data, (alone.get(name) as Tensor).data), name).toBeLessThan(2 ** -20);
      }
    }
  });

  it('computes in turn what is asked for at once', async () => {
    const batches = Array.from({ length: 6 }, (_, seed) => randomBatch(dropping, 17 + seed, 6, seed));
    const run = async (together: boolean) => {
      const engine = await prepare(dropping, 2);
      const steps = [];
      for (const [step, batch] of batches.entries()) {
        steps.push(engine.step(batch, { ...address, step }, 0.01));
        if (!together) await steps.at(-1);
      }
      await Promise.all(steps);
      const state = await engine.state();
      await engine.dispose();
      return state;
    };
    expect(await run(true)).toEqual(await run(false));
  });

  it('a memory that grows does so under the workers', async () => {
    const engine = await prepare(dropping, 2);
    for (const time of [1, 50, 300]) {
      const batch = randomBatch(dropping, 32, time, time);
      const { logits } = referenceForward({ spec: dropping, weights: randomWeights(dropping, 1) }, batch.ids, 32, time);
      expect(largestDifference((await engine.evaluate(batch)).logits, logits)).toBeLessThan(tolerance);
    }
    await engine.dispose();
  });
});

describe('a worker that dies', () => {
  const batch: Batch = randomBatch(dropping, 64, 50, 3);
  const failed = {
    code: 'ENGINE_FAILED',
    message: 'thread 3 of the 3 of engine wasm ended in the midst of training',
    hint: expect.stringMatching(/^Resume the run/),
  };

  it.each(['between steps', 'during a step'] as const)('%s ends them all with an error', async (when) => {
    const { engine, workers } = await withWorkers(dropping, 3);
    await engine.step(batch, address, 0.01);
    const death = workers[1]?.terminate();
    if (when === 'between steps') await death;
    await expect(engine.step(batch, address, 0.01)).rejects.toMatchObject(failed);
    await expect(engine.step(batch, address, 0.01)).rejects.toMatchObject(failed);
    await expect(engine.evaluate(batch)).rejects.toMatchObject(failed);
    await expect(engine.state()).rejects.toMatchObject(failed);
    await engine.dispose();
    await death;
  });

  it('of its own fault names it', async () => {
    const { engine, workers } = await withWorkers(dropping, 3);
    workers[1]?.emit('error', new Error('out of memory'));
    await workers[1]?.terminate();
    await expect(engine.evaluate(batch)).rejects.toMatchObject({ ...failed, cause: new Error('out of memory') });
    await engine.dispose();
  });

  it('when it starts takes the others with it', async () => {
    const loaded = await loadKernels('plain');
    let asked = 0;
    const faulty = {
      ...loaded,
      get module() {
        return ++asked === 2 ? undefined : loaded.module; // the second worker has nothing to run
      },
    };
    const workers: Worker[] = [];
    const note = (worker: Worker) => workers.push(worker);
    process.on('worker', note);
    await expect(gatherCrew(faulty, 4, firstFree, mailboxBytes(0))).rejects.toMatchObject({
      code: 'ENGINE_FAILED',
      message: expect.stringContaining('thread 3 of the 4'),
      cause: expect.objectContaining({ message: expect.stringContaining('WebAssembly.Instance') }),
    });
    await setImmediate(); // as above
    process.off('worker', note);
    expect(workers.map(({ threadId }) => threadId)).toEqual([-1, -1, -1]); // all are gone
  });
});

describe('memory of engine wasm', () => {
  it.each([
    [1, 64, 100],
    [2, 64, 100],
    [3, 9, 7],
  ])('is that of the plan: %i threads, %i × %i ids', async (threads, rows, time) => {
    const load = { spec: dropping, optimiser: adam, threads, rows, time };
    const planned = wasmEngine.memory(load).reduce((sum, { bytes }) => sum + bytes, 0);
    const sizes: number[] = [];
    const memories: SharedMemory[] = [];
    const { WebAssembly } = globalThis as unknown as { WebAssembly: { Memory: new (size: object) => SharedMemory } };
    const { Memory } = WebAssembly;
    WebAssembly.Memory = class extends Memory {
      constructor(size: object) {
        super(size);
        memories.push(this);
      }
    };
    const engine = await prepare(dropping, threads).finally(() => {
      WebAssembly.Memory = Memory;
    });
    for (const count of [rows, 1, rows]) {
      await engine.step(randomBatch(dropping, count, time, 1), address, 0.01);
      await engine.evaluate(randomBatch(dropping, count, time, 2));
      sizes.push(memories[0]?.buffer.byteLength ?? 0);
    }
    await engine.dispose();
    expect(sizes).toEqual([planned, planned, planned]);
  });
});

interface SharedMemory {
  readonly buffer: SharedArrayBuffer;
}

/** Gradients and logits of the order of 1, through at most 300 steps. */
const tolerance = 5e-6;
