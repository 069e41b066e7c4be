/** Sessions in child processes that are killed, stopped and aborted for real, while they are busy. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { getPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { exportOnnx } from '../../../exporters/export.ts';
import { type Classifier, type ClassifierOptions, loadClassifier } from '../../../runtime/index.ts';
import { type Child, startChild } from '../../../runtime/pool/child.ts';
import { startPool } from '../../../runtime/pool/pool.ts';
import { referenceForward } from '../../../src/reference/reference.ts';
import { build, repository } from '../../package/built-package.ts';
import { modelOf } from '../../support/trained-model.ts';

const model = modelOf([
  { type: 'embedding', inputDim: 30, outputDim: 4, maskZero: true },
  { type: 'lstm', units: 5 },
  { type: 'dense', units: 1, activation: 'sigmoid' },
]);
const file = exportOnnx(model);

const open: Classifier[] = [];
async function load(source: Uint8Array, options: ClassifierOptions = {}): Promise<Classifier> {
  const classifier = await loadClassifier(source, { isolation: 'process', providers: 'cpu', ...options });
  open.push(classifier);
  return classifier;
}
afterAll(async () => {
  await Promise.all(open.map((classifier) => classifier.dispose()));
});

const alive = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

async function until(what: string, condition: () => boolean): Promise<void> {
  const started = performance.now();
  while (!condition()) {
    if (performance.now() - started > 60_000) expect.fail(`${what}: not within a minute`);
    await sleep(5);
  }
}

const running = (classifier: Classifier) => until('a batch runs', () => classifier.load().running > 0);

test('gives the numbers of the reference, and ends its process with it', async () => {
  const classifier = await load(file);
  const ids = Int32Array.of(3, 4, 5, 0, 29, 1);
  const expected = referenceForward(model, ids, 2, 3).probabilities;
  const { probabilities } = await classifier.predictIds(ids, 2, 3);
  for (const [row, p] of expected.entries())
    expect(Math.abs((probabilities[row] ?? Number.NaN) - p)).toBeLessThan(5e-6);
  expect(await classifier.predict('w3 w4')).toMatchObject({ words: 2, knownWords: 2 });
  const [pid = 0] = classifier.load().processes;
  expect(pid).not.toBe(process.pid);
  await classifier.dispose();
  expect(alive(pid)).toBe(false);
  await expect(classifier.predict('w1')).rejects.toMatchObject({ code: 'DISPOSED' });
});

test('lets this process go first where both want a core', async () => {
  const classifier = await load(file, { workers: 2 });
  const behind = Math.min(getPriority() + 10, 19); // 19 is the last there is
  for (const pid of classifier.load().processes) expect(getPriority(pid)).toBe(behind);
});

test('says what is wrong with a file as it does without isolation', async () => {
  await expect(load(file.slice(0, -20))).rejects.toMatchObject({ code: 'ONNX_INVALID' });
  await expect(load(file, { providers: 'cuda' })).rejects.toMatchObject({ code: 'PROVIDER_MISSING' });
});

describe('a process that', () => {
  test.each(['SIGKILL', 'SIGABRT'] as const)(
    'is ended by %s under load loses its batch to a typed error; the others get right answers, and it is replaced',
    async (signal) => {
      const classifier = await load(file, { workers: 2, batching: { maxBatch: 4 } });
      const rows = Array.from({ length: 29 }, (_, row) => Int32Array.of(1 + row, 1 + ((row * 7) % 29), 2));
      const expected = rows.map((ids) => referenceForward(model, ids, 1, 3).probabilities[0] ?? Number.NaN);
      const before = classifier.load().processes;
      let failed = 0;
      let answered = 0;
      /** Asks again as soon as it is answered, until a process is lost and 100 rows more are right. */
      const client = async (start: number) => {
        for (let row = start; classifier.load().lost === 0 || answered < 100; row = (row + 1) % rows.length) {
          try {
            const { probabilities } = await classifier.predictIds(rows[row] as Int32Array, 1, 3);
            expect(Math.abs((probabilities[0] ?? Number.NaN) - (expected[row] ?? 0))).toBeLessThan(5e-6);
            if (classifier.load().lost > 0) answered++;
          } catch (error) {
            failed++;
            expect(error).toMatchObject({
              code: 'RUNTIME_LOST',
              retryable: true,
              message: expect.stringContaining(signal),
            });
          }
        }
      };
      const clients = Promise.all([0, 3, 6, 9, 12, 15, 18, 21].map(client));
      // Stopped, it keeps the batch that it has or gets; while both have one, it is that batch that is lost.
      const [pid = 0] = before;
      process.kill(pid, 'SIGSTOP');
      await until('both have a batch', () => classifier.load().running === 2);
      process.kill(pid, signal);
      process.kill(pid, 'SIGCONT');
      await clients;
      expect(failed).toBeGreaterThan(0);
      expect(failed).toBeLessThanOrEqual(4); // the batch that it had, no more
      expect(classifier.load().lost).toBe(1);
      await until('it is replaced', () => classifier.load().processes.length === 2);
      expect(classifier.load().processes).not.toEqual(before);
      await classifier.dispose();
    },
  );

  test('hangs is killed when its time is up; what waited runs in the next one', async () => {
    const classifier = await load(file, { timeoutMs: 3000, batching: { maxBatch: 1 } });
    await classifier.predictIds(Int32Array.of(1), 1, 1);
    const [pid = 0] = classifier.load().processes;
    process.kill(pid, 'SIGSTOP');
    const hung = classifier.predictIds(Int32Array.of(1, 2), 1, 2);
    const waits = classifier.predictIds(Int32Array.of(3), 1, 1);
    await expect(hung).rejects.toMatchObject({
      code: 'RUNTIME_LOST',
      message: expect.stringContaining('did not answer for 3 s'),
    });
    expect((await waits).probabilities).toHaveLength(1);
    expect(alive(pid)).toBe(false);
    expect(classifier.load()).toMatchObject({ lost: 1, waiting: 0, running: 0 });
  });

  test('is killed while idle is replaced before anybody notices', async () => {
    const classifier = await load(file);
    process.kill(classifier.load().processes[0] ?? 0, 'SIGKILL');
    await until('it is lost', () => classifier.load().lost === 1);
    expect((await classifier.predict('w1 w2')).words).toBe(2);
  });

  test('dies again and again is replaced again and again', async () => {
    const classifier = await load(file);
    for (let round = 1; round <= 3; round++) {
      process.kill(classifier.load().processes[0] ?? 0, 'SIGKILL');
      await until('it is lost', () => classifier.load().lost === round);
      await until('it is replaced', () => classifier.load().processes.length === 1);
    }
    expect((await classifier.predict('w1 w2')).words).toBe(2);
  });
});

test('what aborts onnxruntime, and with it its process, is a typed error in this one', async () => {
  const child = await startChild(10_000);
  const session = await child.ort.InferenceSession.create(file, { logSeverityLevel: 4 });
  // Past the guard: onnxruntime ends its process at a dimension of zero.
  const empty = new child.ort.Tensor('int32', new Int32Array(), [0, 3]);
  await expect(session.run({ ids: empty })).rejects.toMatchObject({ code: 'RUNTIME_LOST' });
  expect(await child.ended).toContain('SIG');
});

describe('a pool', () => {
  const batch = { ids: Int32Array.of(1), rows: 1, time: 1 };
  /** Runs `ids` whatever comes: past the guard, a dimension of zero ends the process. */
  async function start(dims: readonly number[], ids: Int32Array) {
    const children: Child[] = [];
    const open = async (child: Child) => {
      children.push(child);
      const session = await child.ort.InferenceSession.create(file, { logSeverityLevel: 4 });
      const run = () => session.run({ ids: new child.ort.Tensor('int32', ids, dims) }) as Promise<never>;
      return { concurrency: 1, carriesStates: false, run, close: async () => {} };
    };
    return { children, pool: await startPool(open, { workers: 1, timeoutMs: 10_000 }) };
  }

  test('gives no batch to a process that is about to end: when it dies while it is idle nothing is lost', async () => {
    const { pool, children } = await start([1, 2], Int32Array.of(3, 4));
    const [child] = children as [Child];
    process.kill(child.pid, 'SIGKILL');
    while (child.connected) await new Promise((resolve) => setImmediate(resolve));
    expect(pool.lost).toBe(0); // it is not told yet
    await Promise.all([pool.run(batch), pool.run(batch)]);
    expect(pool.lost).toBe(1);
    await pool.close();
  });

  test('starts a model that ends its process with every batch after pauses that grow', async () => {
    const { pool } = await start([0, 3], new Int32Array());
    const started = performance.now();
    for (let lost = 1; lost <= 5; lost++) {
      await expect(pool.run(batch)).rejects.toMatchObject({ code: 'RUNTIME_LOST' });
      expect(pool.lost).toBe(lost);
    }
    expect(performance.now() - started).toBeGreaterThan(1095); // 0 + 100 + 300 + 700; timers are early by a fraction
    await pool.close();
  });
});

test('an abort gives up a row that runs, and a run never blocks the event loop, however long it takes', async () => {
  const classifier = await load(file, { workers: 1 });
  const [pid = 0] = classifier.load().processes;
  process.kill(pid, 'SIGSTOP'); // a run takes as long as its process is stopped
  const controller = new AbortController();
  const given = classifier.predictIds(Int32Array.of(3), 1, 1, { signal: controller.signal });
  const kept = classifier.predictIds(Int32Array.of(4), 1, 1);
  await running(classifier);
  controller.abort();
  await expect(given).rejects.toMatchObject({ code: 'INTERRUPTED' });
  await sleep(50);
  expect(classifier.load()).toMatchObject({ running: 1, lost: 0 });
  process.kill(pid, 'SIGCONT');
  const [expected = Number.NaN] = referenceForward(model, Int32Array.of(4), 1, 1).probabilities;
  expect(Math.abs(((await kept).probabilities[0] ?? Number.NaN) - expected)).toBeLessThan(5e-6);
});

test('a process that answered in time is kept, though this one was too busy to read it until later', async () => {
  /** Whether it is kept where this thread does nothing for twice its time once the row is sent. */
  async function keeps(timeoutMs: number): Promise<boolean> {
    const classifier = await load(file, { workers: 1, timeoutMs });
    const row = () => classifier.predictIds(Int32Array.of(3), 1, 1);
    const { processes } = classifier.load();
    const answered = row().catch(() => {});
    await new Promise((resolve) => setImmediate(resolve)); // it is sent
    expect(classifier.load().running).toBe(1);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2 * timeoutMs);
    await answered;
    const next = await row().catch(() => undefined); // refused where the process was killed
    return next !== undefined && classifier.load().processes[0] === processes[0];
  }
  // Where others have the cores for long, the little time may be too little for the answer itself.
  expect((await keeps(300)) || (await keeps(2000)) || (await keeps(15_000))).toBe(true);
});

test.each<[string, ClassifierOptions, string]>([
  ['no workers', { isolation: 'process', workers: 0 }, 'OPTION_INVALID'],
  ['no time', { isolation: 'process', timeoutMs: 0 }, 'OPTION_INVALID'],
  ['workers without processes', { workers: 2 }, 'OPTION_UNSUPPORTED'],
  ['a timeout without processes', { timeoutMs: 5 }, 'OPTION_UNSUPPORTED'],
  ['another isolation', { isolation: 'thread' as 'process' }, 'OPTION_INVALID'],
])('options that say %s are refused', async (_, options, code) => {
  await expect(loadClassifier(file, options)).rejects.toMatchObject({ code });
});

describe('an app', () => {
  let folder: string;
  beforeAll(async () => {
    build();
    folder = await mkdtemp(join(tmpdir(), 'isolation-'));
    await writeFile(join(folder, 'model.onnx'), file);
    await writeFile(
      join(folder, 'app.mjs'),
      `import { loadClassifier } from ${JSON.stringify(join(repository, 'dist/runtime/index.js'))};
       const classifier = await loadClassifier('model.onnx', { isolation: 'process' });
       console.log(JSON.stringify({ ...(await classifier.predict('w1')), pid: classifier.load().processes[0] }));
       if (process.argv[2] === 'die') process.kill(process.pid, 'SIGKILL');
       if (process.argv[2] === 'dispose') {
         await classifier.dispose();
         console.log(JSON.stringify('disposed'));
       }`,
    );
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test('that forgets to dispose ends all the same, and no process is left', async () => {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, ['app.mjs'], {
      cwd: folder,
      timeout: 120_000, // one that waits for its children would never end
    });
    expect(stderr).toBe('');
    await until('the child is gone', () => !alive(JSON.parse(stdout).pid));
  });

  test('that disposes goes on to its last line', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, ['app.mjs', 'dispose'], { cwd: folder });
    expect(stdout.split('\n')[1]).toBe('"disposed"');
  });

  test('that is killed leaves no process behind', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, ['app.mjs', 'die'], { cwd: folder }).catch(
      (error: { stdout: string }) => error,
    );
    await until('the child is gone', () => !alive(JSON.parse(stdout).pid));
  });
});
