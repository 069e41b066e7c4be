/// <reference lib="es2024.sharedmemory" />
/**
 * Threads over one memory. A worker knows nothing of models: it makes the calls of kernels that it finds in its mailbox,
 * a piece of the shared memory. What to compute and where all lies is decided in the main thread, which notes a share's
 * calls instead of making them, wakes the worker, computes its own share, and waits.
 *
 * The worker's source is a string, so that every bundler and test runner finds it without a path.
 */
import { Worker } from 'node:worker_threads';
import { fail } from '../../../core/errors.ts';
import { type Address, type Kernels, type LoadedKernels, mostArguments, notedKernels } from './kernels.ts';
import { kernelNames } from './modules.ts';

export interface Crew {
  /** Of each share: the first computes at once, the others note what a worker is to compute. */
  readonly kernels: readonly Kernels[];
  /**
   * Calls `work` for each share, with whose kernels it computes that share, and waits until all are computed.
   *
   * @throws ENGINE_FAILED when a worker has died, from then on
   */
  run(shares: number, work: (share: number) => void): Promise<void>;
  /** @throws ENGINE_FAILED when a worker has died */
  check(): void;
  dispose(): Promise<void>;
}

/** A call in a mailbox: the number of the kernel and its arguments, in float64, which holds every one of them. */
const callLength = 1 + mostArguments;
/** The state of a mailbox and the number of its calls, int32 each, on a cache line of their own. */
const headBytes = 64;
const idle = 0;
const busy = 1;

/** Bytes of a mailbox for the calls of one pass through so many layers. No layer makes a hundred. */
export function mailboxBytes(layers: number): number {
  return headBytes + 8 * callLength * 100 * (layers + 1);
}

/** Rounds of waiting before a thread sleeps, some tenths of a millisecond: what lies between two steps of a small model. */
const rounds = 20_000;
/** Milliseconds that the main thread sleeps before it lets events in, among them that of a worker's death. */
const patience = 20;

const source = `
const { workerData: { module, memory, at, length, callLength, names, rounds } } = require('node:worker_threads');
const { exports } = new WebAssembly.Instance(module, { env: { memory } });
const kernels = names.map((name) => exports[name]);
const head = new Int32Array(memory.buffer, at, 2);
const calls = new Float64Array(memory.buffer, at + ${headBytes}, length);
for (;;) {
  Atomics.store(head, 0, ${idle});
  Atomics.notify(head, 0);
  for (let n = 0; n < rounds && Atomics.load(head, 0) === ${idle}; n++);
  while (Atomics.load(head, 0) === ${idle}) Atomics.wait(head, 0, ${idle});
  for (let call = 0, c = 0; call < head[1]; call++, c += callLength) {
    kernels[calls[c]](
      calls[c + 1], calls[c + 2], calls[c + 3], calls[c + 4], calls[c + 5], calls[c + 6],
      calls[c + 7], calls[c + 8], calls[c + 9], calls[c + 10], calls[c + 11],
    );
  }
}
`;

interface Member {
  readonly kernels: Kernels;
  /** Wakes the worker for what was noted. */
  readonly start: () => void;
  /** Resolves when the worker has done it, or has died. */
  readonly finish: () => Promise<void>;
  readonly end: () => Promise<unknown>;
}

/** @param begin of the mailboxes, one for each thread but the main one @param bytes of each */
export async function gatherCrew(loaded: LoadedKernels, threads: number, begin: Address, bytes: number): Promise<Crew> {
  let death: { readonly thread: number; readonly cause: unknown } | undefined;
  let disposed = false;
  const check = () => {
    if (death && !disposed) {
      fail(
        'ENGINE_FAILED',
        `thread ${death.thread} of the ${threads} of engine wasm ended in the midst of training`,
        'Resume the run: its last checkpoint is whole. If it happens again, use --threads 1.',
        death.cause,
      );
    }
  };
  const members = Array.from({ length: threads - 1 }, (_, index) =>
    startMember(loaded, begin + index * bytes, bytes, (cause) => {
      death ??= { thread: index + 2, cause };
    }),
  );
  const dispose = async () => {
    disposed = true;
    await Promise.all(members.map(({ end }) => end()));
  };
  for (const { finish } of members) await finish();
  try {
    check();
  } catch (error) {
    await dispose();
    throw error;
  }

  return {
    kernels: [loaded.kernels, ...members.map(({ kernels }) => kernels)],
    check,
    run: async (shares, work) => {
      const helpers = members.slice(0, shares - 1);
      for (const [index, { start }] of helpers.entries()) {
        work(index + 1);
        start();
      }
      work(0);
      for (const { finish } of helpers) await finish();
      check();
    },
    dispose,
  };
}

function startMember(
  { module, memory }: LoadedKernels,
  at: Address,
  bytes: number,
  onDeath: (cause: unknown) => void,
): Member {
  const length = (bytes - headBytes) / 8;
  const head = new Int32Array(memory.buffer, at, 2);
  const calls = new Float64Array(memory.buffer, at + headBytes, length);
  let noted = 0;
  let alive = true;
  head[0] = busy; // until it has started
  const workerData = { module, memory, at, length, callLength, names: kernelNames, rounds };
  const worker = new Worker(source, { eval: true, workerData, execArgv: [] });
  let cause: unknown;
  worker.on('error', (error) => {
    cause = error;
  });
  worker.on('exit', () => {
    alive = false;
    onDeath(cause);
    Atomics.notify(head, 0);
  });
  worker.unref();

  return {
    kernels: notedKernels((kernel, values) => {
      const place = noted * callLength;
      if (place + callLength > length) fail('INTERNAL', 'a layer has too many kernels', 'Please report it.');
      calls[place] = kernel;
      calls.set(values, place + 1);
      noted++;
    }),
    start: () => {
      head[1] = noted;
      noted = 0;
      Atomics.store(head, 0, busy);
      Atomics.notify(head, 0);
    },
    finish: async () => {
      for (let n = 0; n < rounds && Atomics.load(head, 0) === busy; n++);
      let waited = Atomics.wait(head, 0, busy, patience);
      while (waited === 'ok') waited = Atomics.wait(head, 0, busy, patience); // may have been the last pass's bell
      if (waited === 'not-equal') return;
      worker.ref(); // a promise alone keeps no process alive
      while (alive && Atomics.load(head, 0) === busy) await Atomics.waitAsync(head, 0, busy).value;
      worker.unref();
    },
    end: () => worker.terminate(),
  };
}
