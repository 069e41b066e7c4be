/** Rows that run together, on real sessions: each gets what it would get alone, in a fair order. */
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { exportOnnx } from '../../../exporters/export.ts';
import { planModel } from '../../../models/plan.ts';
import { type BatchingOptions, type BatchRecord, bucketOf, createBatcher } from '../../../runtime/batching/batcher.ts';
import type { Batch, BatchRunner } from '../../../runtime/batching/runner.ts';
import { openSession } from '../../../runtime/onnx/session.ts';
import { createSessionRunner } from '../../../runtime/onnx/session-runner.ts';
import { referenceForward } from '../../../src/reference/reference.ts';
import { modelOf } from '../../support/trained-model.ts';

const head = { type: 'dense', units: 1, activation: 'sigmoid' } as const;
const embedding = { type: 'embedding', inputDim: 30, outputDim: 4 } as const;
const models = {
  'a masked LSTM': modelOf([{ ...embedding, maskZero: true }, { type: 'lstm', units: 5 }, head]),
  'a masked bidirectional GRU': modelOf([
    { ...embedding, maskZero: true },
    { type: 'bidirectional', layer: { type: 'gru', units: 5 } },
    { type: 'dense', units: 3 },
  ]),
  'masked average pooling': modelOf([
    { ...embedding, maskZero: true },
    { type: 'simpleRnn', units: 5, returnSequences: true },
    { type: 'pooling', kind: 'average' },
    head,
  ]),
  'an LSTM that reads its padding': modelOf([embedding, { type: 'lstm', units: 5 }, head]),
};
type Name = keyof typeof models;

const runners = new Map<Name, BatchRunner>();
beforeAll(async () => {
  for (const name of Object.keys(models) as Name[]) {
    const session = await openSession(exportOnnx(models[name]), { providers: 'cpu', threads: 1 });
    runners.set(name, await createSessionRunner(session, planModel(models[name].spec)));
  }
});
afterAll(async () => {
  for (const runner of runners.values()) await runner.close();
});

afterEach(() => {
  vi.useRealTimers();
});

/** A batcher over the real runner, what it ran, and a gate that holds its batches back while it is closed. */
function watched(name: Name, options: BatchingOptions = {}, concurrency = 1) {
  const runner = runners.get(name) as BatchRunner;
  const batches: Batch[] = [];
  const records: BatchRecord[] = [];
  let open = Promise.resolve();
  let release = () => {};
  const { maskZero } = planModel(models[name].spec);
  const batcher = createBatcher(
    {
      ...runner,
      concurrency,
      async run(batch) {
        batches.push(batch);
        await open;
        return runner.run(batch);
      },
    },
    { maskZero },
    { ...options, onBatch: (record) => records.push(record) },
  );
  const hold = () => {
    open = new Promise((resolve) => {
      release = resolve;
    });
  };
  return { batcher, batches, records, hold, release: () => release() };
}

/** After what was submitted before has been started. */
const nextTurn = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
const row = (...ids: number[]): Batch => ({ ids: Int32Array.from(ids), rows: 1, time: ids.length });

/**
 * How far a row may move with its batch mates: the rounding of a product can depend on how many rows it has. The test
 * prints what it measured, which is far below.
 */
const bound = 5e-7;
/** The project's bound for float32 against float64: see test/exporters/values.test.ts. */
const tolerance = 5e-6;

describe.each(Object.keys(models) as Name[])('%s', (name) => {
  test('gives each row what it would get alone, whatever its batch mates', async () => {
    const { batcher } = watched(name);
    let largest = 0;
    const rows = fc.array(fc.array(fc.integer({ min: 0, max: 29 }), { minLength: 1, maxLength: 40 }), {
      minLength: 1,
      maxLength: 90,
    });
    await fc.assert(
      fc.asyncProperty(rows, async (texts) => {
        const together = await Promise.all(texts.map((ids) => batcher.submit(row(...ids))));
        for (const [index, ids] of texts.entries()) {
          const alone = await (runners.get(name) as BatchRunner).run(row(...ids));
          const expected = referenceForward(models[name], Int32Array.from(ids), 1, ids.length).probabilities;
          for (const [column, p] of expected.entries()) {
            const own = together[index]?.probabilities[column] ?? Number.NaN;
            largest = Math.max(largest, Math.abs(own - (alone.probabilities[column] as number)));
            expect(Math.abs(own - (alone.probabilities[column] as number))).toBeLessThanOrEqual(bound);
            expect(Math.abs(own - p)).toBeLessThan(tolerance);
          }
          expect(together[index]?.probabilities).toHaveLength(expected.length);
        }
      }),
      { numRuns: 25 },
    );
    console.log(`${name}: batch mates move a probability by at most ${largest.toExponential(1)}`);
  });
});

describe('a batch', () => {
  test('takes what arrives in one turn, and what gathers while the model is busy', async () => {
    const { batcher, batches, hold, release } = watched('a masked LSTM');
    hold();
    const first = [batcher.submit(row(1, 2)), batcher.submit(row(3))];
    await nextTurn();
    const later = [batcher.submit(row(4)), batcher.submit(row(5, 6, 7)), batcher.submit(row(8))];
    await nextTurn();
    expect({ waiting: batcher.waiting, running: batcher.running }).toEqual({ waiting: 3, running: 1 });
    release();
    await Promise.all([...first, ...later]);
    expect(batches.map(({ rows }) => rows)).toEqual([2, 3]);
    expect({ waiting: batcher.waiting, running: batcher.running }).toEqual({ waiting: 0, running: 0 });
  });

  test('holds no more rows than it may, and keeps the rows of a request together', async () => {
    const { batcher, batches } = watched('a masked LSTM', { maxBatch: 4 });
    const requests = [1, 2, 3, 1, 9, 1].map((rows) =>
      batcher.submit({ ids: new Int32Array(rows * 2).fill(7), rows, time: 2 }),
    );
    const answers = await Promise.all(requests);
    expect(batches.map(({ rows }) => rows)).toEqual([3, 4, 9, 1]);
    expect(answers.map(({ logits }) => logits.length)).toEqual([1, 2, 3, 1, 9, 1]);
  });

  test.each([
    { arrive: 20, places: 2, rows: [10, 10] },
    { arrive: 21, places: 2, rows: [11, 10] },
    { arrive: 11, places: 2, rows: [8, 3] }, // fewer than 8 would waste the model's time
    { arrive: 200, places: 3, rows: [64, 64, 64, 8] },
  ])('shares $arrive rows out to $places free places', async ({ arrive, places, rows }) => {
    const { batcher, batches, hold, release } = watched('a masked LSTM', {}, places);
    hold();
    const answers = Array.from({ length: arrive }, () => batcher.submit(row(1, 2, 3)));
    await nextTurn();
    expect(batches).toHaveLength(Math.min(places, rows.length));
    release();
    await Promise.all(answers);
    expect(batches.map((batch) => batch.rows)).toEqual(rows);
  });

  test('waits for mates as long as it is told, or until it is full', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    const { batcher, batches } = watched('a masked LSTM', { maxBatch: 3, maxDelayMs: 150 });
    const first = batcher.submit(row(1));
    await nextTurn();
    vi.advanceTimersByTime(100);
    const second = batcher.submit(row(2)); // joins the first, whose time it is that counts
    await nextTurn();
    vi.advanceTimersByTime(49);
    await nextTurn();
    expect(batches).toEqual([]);
    vi.advanceTimersByTime(1);
    await Promise.all([first, second]);
    expect(batches.map(({ rows }) => rows)).toEqual([2]);
    await Promise.all([1, 2, 3].map((id) => batcher.submit(row(id)))); // no time goes by
    expect(batches.map(({ rows }) => rows)).toEqual([2, 3]);
  });

  test('of a masked model holds rows of like length, without their zeros', async () => {
    const { batcher, batches } = watched('a masked LSTM');
    const long = Array.from({ length: 100 }, (_, step) => 1 + (step % 29));
    await Promise.all([
      batcher.submit(row(...Array<number>(190).fill(0), 1, 2)),
      batcher.submit(row(...long)),
      batcher.submit(row(3, 0, 4, 0, 0, 5)),
      batcher.submit(row(0, 0)),
    ]);
    expect(batches.map(({ rows, time }) => [rows, time])).toEqual([
      [3, 3],
      [1, 100],
    ]);
    expect([...(batches[0]?.ids ?? [])]).toEqual([1, 2, 0, 3, 4, 5, 0, 0, 0]);
  });

  test('of a model that reads its padding holds rows of one length, as they came', async () => {
    const { batcher, batches } = watched('an LSTM that reads its padding');
    await Promise.all([batcher.submit(row(0, 1)), batcher.submit(row(2, 0, 0)), batcher.submit(row(3, 4))]);
    expect(batches.map(({ ids }) => [...ids])).toEqual([
      [0, 1, 3, 4],
      [2, 0, 0],
    ]);
  });

  test('is told to whom it concerns', async () => {
    const { batcher, records } = watched('a masked LSTM');
    await Promise.all([batcher.submit(row(1, 2)), batcher.submit(row(3))]);
    const [{ waitedMs, ranMs, ...record } = { waitedMs: -1, ranMs: -1 }] = records;
    expect(record).toEqual({ requests: 2, rows: 2, time: 2 });
    expect(waitedMs).toBeGreaterThanOrEqual(0);
    expect(ranMs).toBeGreaterThan(0);
  });
});

test('a request is not overtaken by more than the batches that are full before it: buckets take turns by age', async () => {
  const { batcher, batches, hold, release } = watched('a masked LSTM', { maxBatch: 8 });
  const long = Array<number>(100).fill(3);
  hold();
  const all = [batcher.submit(row(1))];
  await nextTurn(); // it runs; all others wait
  for (let index = 0; index < 20; index++) all.push(batcher.submit(row(2)));
  all.push(batcher.submit(row(...long)));
  for (let index = 0; index < 20; index++) all.push(batcher.submit(row(4)));
  release();
  await Promise.all(all);
  // the long row is the 21st that waits: three batches of older short rows go first, no younger one alone
  expect(batches.map(({ time }) => time)).toEqual([1, 1, 1, 1, 100, 1, 1]);
});

describe('an abort', () => {
  test('takes a row out of the queue and leaves the others', async () => {
    const { batcher, batches, hold, release } = watched('a masked LSTM');
    hold();
    const running = batcher.submit(row(1));
    await nextTurn();
    const controller = new AbortController();
    const before = batcher.submit(row(2));
    const gone = batcher.submit(row(3), { signal: controller.signal });
    const after = batcher.submit(row(4));
    const reason = new Error('the client left');
    controller.abort(reason);
    await expect(gone).rejects.toMatchObject({ code: 'INTERRUPTED', cause: reason });
    expect(batcher.waiting).toBe(2);
    release();
    await Promise.all([running, before, after]);
    expect(batches.map(({ ids }) => [...ids])).toEqual([[1], [2, 4]]);
  });

  test('of a row that runs ends it at once, and its mates get their own results', async () => {
    const { batcher, hold, release } = watched('a masked LSTM');
    const alone = await batcher.submit(row(5, 6));
    hold();
    const controller = new AbortController();
    const gone = batcher.submit(row(3), { signal: controller.signal });
    const mate = batcher.submit(row(5, 6));
    await nextTurn();
    expect(batcher.running).toBe(1);
    controller.abort();
    await expect(gone).rejects.toMatchObject({ code: 'INTERRUPTED' });
    release();
    expect(Math.abs(((await mate).probabilities[0] ?? 0) - (alone.probabilities[0] ?? 1))).toBeLessThanOrEqual(bound);
  });

  test('that came before is heard', async () => {
    const { batcher } = watched('a masked LSTM');
    const given = batcher.submit(row(1), { signal: AbortSignal.abort() });
    await expect(given).rejects.toMatchObject({ code: 'INTERRUPTED' });
    expect(batcher.waiting).toBe(0);
  });
});

test('more rows than may wait are refused, and there is room again once some ran', async () => {
  const { batcher, hold, release } = watched('a masked LSTM', { maxQueue: 3 });
  hold();
  const running = batcher.submit(row(1));
  await nextTurn();
  const waiting = [batcher.submit(row(2)), batcher.submit({ ids: Int32Array.of(3, 4), rows: 2, time: 1 })];
  await expect(batcher.submit(row(5))).rejects.toMatchObject({ code: 'QUEUE_FULL' });
  release();
  await Promise.all([running, ...waiting]);
  await batcher.submit(row(5));
});

test('a value that is not finite fails its own row only', async () => {
  const model = modelOf([
    { type: 'embedding', inputDim: 3, outputDim: 1, maskZero: true },
    { type: 'simpleRnn', units: 1, activation: 'softplus', bias: 'none' },
    { type: 'dense', units: 1, useBias: false },
  ]);
  const one = { shape: [1, 1], data: Float32Array.of(1) };
  const weights = new Map(model.weights)
    .set('embedding/embeddings', { shape: [3, 1], data: Float32Array.of(0, 60, 100) })
    .set('simple_rnn/kernel', one)
    .set('dense/kernel', one);
  const session = await openSession(exportOnnx({ ...model, weights }), { providers: 'cpu' });
  const runner = await createSessionRunner(session, planModel(model.spec));
  const batcher = createBatcher(runner, { maskZero: true });
  const [good, bad] = await Promise.allSettled([batcher.submit(row(1)), batcher.submit(row(2))]);
  expect(good).toMatchObject({ status: 'fulfilled' });
  expect(bad).toMatchObject({ status: 'rejected', reason: { code: 'RUNTIME_FAILED' } });
  await runner.close();
});

test('drain waits for what waits and runs', async () => {
  const { batcher } = watched('a masked LSTM', { maxDelayMs: 30 });
  let done = 0;
  for (let index = 0; index < 100; index++) void batcher.submit(row(1 + (index % 29))).then(() => done++);
  await batcher.drain();
  expect(done).toBe(100);
  await batcher.drain();
});

test('buckets grow by a third or a half, and hold every length', () => {
  expect([1, 8, 9, 13, 17, 25, 500].map(bucketOf)).toEqual([8, 8, 12, 16, 24, 32, 512]);
  for (let time = 1; time < 5000; time++) {
    expect(bucketOf(time)).toBeGreaterThanOrEqual(time);
    if (time > 8) expect(bucketOf(time) * 2).toBeLessThan(time * 3);
  }
});

test.each<[string, BatchingOptions]>([
  ['no rows', { maxBatch: 0 }],
  ['half a row', { maxBatch: 1.5 }],
  ['a negative delay', { maxDelayMs: -1 }],
  ['no queue', { maxQueue: 0 }],
  ['not a number', { maxDelayMs: Number.NaN }],
])('options that say %s are refused', (_, options) => {
  expect(() => watched('a masked LSTM', options)).toThrow(expect.objectContaining({ code: 'OPTION_INVALID' }));
});

test('an option that it does not know is refused', () => {
  expect(() => watched('a masked LSTM', { maxbatch: 3 } as BatchingOptions)).toThrow(
    expect.objectContaining({ code: 'OPTION_UNKNOWN' }),
  );
});
