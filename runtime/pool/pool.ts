/**
 * Sessions in child processes. onnxruntime holds the thread that it runs on, cannot be stopped, and some faults abort
 * its process: here that is a child's. One that dies or hangs loses the batch it had, which fails with RUNTIME_LOST,
 * and is replaced; all other work waits for the replacement. Nothing is run twice, as a batch may be what killed it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Batch, BatchOutputs, BatchRunner } from '../batching/runner.ts';
import { type Child, startChild } from './child.ts';

/** A session that runs batches in a child. */
interface Worker {
  readonly child: Child;
  readonly runner: BatchRunner;
  busy: boolean;
}

export interface PoolOptions {
  /** Child processes. */
  readonly workers: number;
  /** How long a batch may take before its process counts as hung. */
  readonly timeoutMs: number;
}

export interface Pool extends BatchRunner {
  /** Of the processes that are ready or busy. */
  readonly processes: readonly number[];
  /** Processes that ended without being told to. */
  readonly lost: number;
}

/**
 * @param open opens the model with the onnxruntime of a child
 * @throws what `open` throws, PACKAGE_MISSING, RUNTIME_LOST
 */
export async function startPool(
  open: (child: Child) => Promise<BatchRunner>,
  { workers: size, timeoutMs }: PoolOptions,
): Promise<Pool> {
  const workers = new Set<Worker>();
  const waiting: { take(worker: Worker): void; refuse(error: unknown): void }[] = [];
  let refilling = false;
  /** Whether a batch has finished since processes were last replaced. */
  let fruitful = true;
  /** Milliseconds before they were. */
  let pause = 0;
  let lost = 0;
  let closed = false;

  async function start(): Promise<void> {
    const child = await startChild(timeoutMs);
    try {
      const worker: Worker = { child, runner: await open(child), busy: false };
      if (closed) return child.kill();
      workers.add(worker);
      void child.ended.then(() => replace(worker));
      offer(worker);
    } catch (error) {
      child.kill();
      throw error;
    }
  }

  /** A worker is free: it gets the batch that has waited longest. */
  function offer(worker: Worker): void {
    const next = worker.child.connected ? waiting.shift() : undefined;
    worker.busy = next !== undefined;
    worker.child.hold(worker.busy);
    next?.take(worker);
  }

  function replace(worker: Worker): void {
    if (!workers.delete(worker) || closed) return;
    lost++;
    void refill();
  }

  /** At once after a loss, then after pauses that grow: a model that kills its processes must not spin. */
  async function refill(): Promise<void> {
    if (refilling) return;
    refilling = true;
    while (!closed && workers.size < size) {
      pause = fruitful ? 0 : Math.min(5000, 100 + 2 * pause);
      fruitful = false;
      if (pause > 0) await sleep(pause, undefined, { ref: workers.size === 0 });
      const starts = await Promise.allSettled(Array.from({ length: size - workers.size }, start));
      const failed = starts.find((each) => each.status === 'rejected');
      if (!failed || workers.size > 0) continue;
      for (const { refuse } of waiting.splice(0)) refuse(failed.reason);
      break; // the next batch tries again
    }
    refilling = false;
  }

  function free(): Promise<Worker> {
    for (const worker of workers) {
      if (worker.busy || !worker.child.connected) continue;
      worker.busy = true;
      worker.child.hold(true);
      return Promise.resolve(worker);
    }
    return new Promise((take, refuse) => {
      waiting.push({ take, refuse });
      if (workers.size === 0) void refill();
    });
  }

  async function run(batch: Batch): Promise<BatchOutputs> {
    const worker = await free();
    try {
      const outputs = await worker.runner.run(batch);
      fruitful = true;
      return outputs;
    } finally {
      if (workers.has(worker) && !closed) offer(worker);
    }
  }

  async function close(): Promise<void> {
    closed = true;
    const ends = [...workers].map(({ child }) => {
      child.hold(true); // else a program with nothing else to do would end before this does
      child.kill();
      return child.ended;
    });
    await Promise.all(ends);
  }

  try {
    await Promise.all(Array.from({ length: size }, start));
  } catch (error) {
    await close();
    throw error;
  }
  return {
    concurrency: size,
    carriesStates: [...workers].some(({ runner }) => runner.carriesStates),
    get processes() {
      return [...workers].map(({ child }) => child.pid);
    },
    get lost() {
      return lost;
    },
    run,
    close,
  };
}
