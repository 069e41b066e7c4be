/**
 * Dynamic batching: rows that arrive one by one run together. A batch holds requests of one length bucket, in the order
 * in which they came; among the buckets the one whose first request is the oldest is next, so none starves. While the
 * model is busy, rows gather by themselves; `maxDelayMs` makes them wait for mates while it is idle, too.
 *
 * Only a model that masks zeros gets rows of several lengths in one batch, without the zeros they came with: it reads
 * as if they were not there. To any other model a zero is a step like all others, and its rows share one length.
 */
import { fail, RecurrentError } from '../../src/core/errors.ts';
import { checkOptionNames } from '../../src/core/option-names.ts';
import { aborted, onAbort } from '../abort.ts';
import { join, split, withoutZeros } from './rows.ts';
import type { Batch, BatchOutputs, BatchRunner } from './runner.ts';

/** How predictions that are asked for at the same time run together. */
export interface BatchingOptions {
  /** Rows in a batch. Default: 64. */
  readonly maxBatch?: number;
  /** Milliseconds for which a request waits for mates. Default: 0, for what arrives in the same turn of the event loop. */
  readonly maxDelayMs?: number;
  /** Rows that may wait; more are refused by QUEUE_FULL. Default: no bound. */
  readonly maxQueue?: number;
  /** Called after each batch, for metrics. It must not throw. */
  readonly onBatch?: (record: BatchRecord) => void;
}

/** What became of a batch. */
export interface BatchRecord {
  /** Calls whose rows it had. */
  readonly requests: number;
  /** Texts in it. */
  readonly rows: number;
  /** Steps of its rows. */
  readonly time: number;
  /** How long its requests waited, in milliseconds, added up. */
  readonly waitedMs: number;
  /** How long the model took, in milliseconds. */
  readonly ranMs: number;
  /** Why it failed, if it did. */
  readonly error?: unknown;
}

export interface SubmitOptions {
  /** Takes the request back. Its batch mates are not touched. */
  readonly signal?: AbortSignal | undefined;
}

export interface Batcher {
  /** Rows that wait. */
  readonly waiting: number;
  /** Batches that run. */
  readonly running: number;
  /**
   * Runs a request: one row or several of one length, which stay together. The ids are copied, and not checked.
   * @returns its own rows
   * @throws QUEUE_FULL, INTERRUPTED, RUNTIME_FAILED, RUNTIME_LOST
   */
  submit(request: Batch, options?: SubmitOptions): Promise<BatchOutputs>;
  /** Resolves when nothing waits or runs any more. */
  drain(): Promise<void>;
}

interface Request extends Batch {
  readonly order: number;
  readonly arrived: number;
  resolve(outputs: BatchOutputs): void;
  reject(error: unknown): void;
}

/**
 * @param model `maskZero`: whether it masks ids 0
 * @throws OPTION_UNKNOWN, OPTION_INVALID
 */
export function createBatcher(
  runner: BatchRunner,
  model: { readonly maskZero: boolean },
  options: BatchingOptions = {},
): Batcher {
  const { maxBatch, maxDelayMs, maxQueue, onBatch } = readBatchingOptions(options);
  /** Requests by the longest row of their bucket, each bucket in the order of arrival. */
  const buckets = new Map<number, Set<Request>>();
  const idle = new Set<() => void>();
  let arrivals = 0;
  let waiting = 0;
  let running = 0;
  let woken = false;
  let timer: ReturnType<typeof setTimeout> | undefined;

  function submit(given: Batch, { signal }: SubmitOptions = {}): Promise<BatchOutputs> {
    if (signal?.aborted) return Promise.reject(aborted(signal));
    if (waiting + given.rows > maxQueue) return Promise.reject(queueFull(maxQueue));
    const { ids, rows, time, states } = model.maskZero ? withoutZeros(given) : { ...given, ids: given.ids.slice() };
    return new Promise((resolve, reject) => {
      const key = model.maskZero ? bucketOf(time) : time;
      const request: Request = {
        ids,
        rows,
        time,
        states,
        order: arrivals++,
        arrived: performance.now(),
        resolve(outputs) {
          settle();
          resolve(outputs);
        },
        reject(error) {
          settle();
          reject(error);
        },
      };
      /** One that runs is only no longer waited for. */
      function abort(): void {
        if (buckets.get(key)?.has(request)) remove(key, request);
        request.reject(aborted(signal as AbortSignal));
        wake();
      }
      const settle = signal ? onAbort(signal, abort) : () => {};
      const bucket = buckets.get(key) ?? new Set();
      buckets.set(key, bucket.add(request));
      waiting += rows;
      if (!woken) {
        woken = true;
        nextTurn(() => {
          woken = false;
          startDue();
        });
      }
    });
  }

  function remove(key: number, request: Request): void {
    const bucket = buckets.get(key);
    bucket?.delete(request);
    if (bucket?.size === 0) buckets.delete(key);
    waiting -= request.rows;
  }

  /** Starts what is due while the runner takes more, oldest first. */
  function startDue(): void {
    clearTimeout(timer);
    while (running < runner.concurrency) {
      const now = performance.now();
      const key = nextBucket(now);
      if (key === undefined) break;
      void runBatch(take(key), now);
    }
    if (waiting > 0 && running < runner.concurrency) timer = setTimeout(startDue, Math.max(1, untilDue()));
  }

  /** The bucket that is due and whose first request is the oldest. */
  function nextBucket(now: number): number | undefined {
    let next: { readonly key: number; readonly order: number } | undefined;
    for (const [key, bucket] of buckets) {
      const first = firstOf(bucket);
      if (next && first.order > next.order) continue;
      if (first.arrived + maxDelayMs <= now || fills(bucket)) next = { key, order: first.order };
    }
    return next?.key;
  }

  function fills(bucket: ReadonlySet<Request>): boolean {
    let rows = 0;
    for (const request of bucket) {
      rows += request.rows;
      if (rows >= maxBatch) return true;
    }
    return false;
  }

  function untilDue(): number {
    const firsts = [...buckets.values()].map((bucket) => firstOf(bucket).arrived);
    return Math.min(...firsts) + maxDelayMs - performance.now();
  }

  /**
   * The first requests of a bucket that fit into a batch; one that is larger goes alone. Where the runner has several
   * places free, each of them is to get a share of what waits.
   */
  function take(key: number): Request[] {
    const share = Math.ceil(waiting / (runner.concurrency - running));
    const limit = Math.min(maxBatch, Math.max(share, fullSpeedRows));
    const taken: Request[] = [];
    let rows = 0;
    for (const request of buckets.get(key) ?? []) {
      rows += request.rows;
      if (taken.length > 0 && rows > limit) break;
      taken.push(request);
    }
    for (const request of taken) remove(key, request);
    return taken;
  }

  async function runBatch(requests: readonly Request[], started: number): Promise<void> {
    running++;
    const batch = join(requests);
    let failure: { readonly error: unknown } | undefined;
    try {
      const outputs = await runner.run(batch);
      answer(requests, split(requests, outputs, batch.rows));
    } catch (error) {
      failure = { error };
      for (const request of requests) request.reject(error);
    }
    running--;
    onBatch?.({
      requests: requests.length,
      rows: batch.rows,
      time: batch.time,
      waitedMs: requests.reduce((sum, { arrived }) => sum + started - arrived, 0),
      ranMs: performance.now() - started,
      ...failure,
    });
    startDue();
    wake();
  }

  function wake(): void {
    if (waiting > 0 || running > 0) return;
    for (const resolve of idle) resolve();
    idle.clear();
  }

  return {
    get waiting() {
      return waiting;
    },
    get running() {
      return running;
    },
    submit,
    drain: () =>
      new Promise((resolve) => {
        idle.add(resolve);
        wake();
      }),
  };
}

/**
 * From so many rows on a larger batch is hardly cheaper for each of them: onnxruntime's LSTM of 128 units takes 0.45 ms for
 * 100 steps of one row, 0.28 ms a row for 8, 0.31 for 64 (one core of an AMD EPYC).
 */
const fullSpeedRows = 8;

/** Browsers have no setImmediate. */
const nextTurn = typeof setImmediate === 'function' ? setImmediate : (work: () => void) => setTimeout(work, 0);

/** The longest row of the bucket of a length: 8, 12, 16, 24, 32, 48, … Less than a third of a batch is padding. */
export function bucketOf(time: number): number {
  let limit = 8;
  while (limit < time) limit = limit % 3 === 0 ? (limit / 3) * 4 : (limit / 2) * 3;
  return limit;
}

function firstOf(bucket: ReadonlySet<Request>): Request {
  const [first] = bucket;
  return first ?? fail('INTERNAL', 'a bucket is empty', 'Please report this.');
}

/** Gives each request its rows. One whose values are not finite fails alone. */
function answer(requests: readonly Request[], outputs: readonly BatchOutputs[]): void {
  for (const [index, request] of requests.entries()) {
    const own = outputs[index] as BatchOutputs;
    const bad = [own.logits, own.probabilities, ...(own.states ?? [])]
      .map(firstNotFinite)
      .find((each) => each !== undefined);
    if (bad === undefined) request.resolve(own);
    else request.reject(notFinite(bad));
  }
}

function firstNotFinite(values: Float32Array): number | undefined {
  for (const value of values) if (!Number.isFinite(value)) return value;
  return undefined;
}

function notFinite(value: number): RecurrentError {
  return new RecurrentError(
    'RUNTIME_FAILED',
    `the model gave ${value}`,
    'Its states grow without bound: train it with bounded gates (sigmoid). In onnxruntime, softplus overflows above 88.',
  );
}

function queueFull(limit: number): RecurrentError {
  return new RecurrentError('QUEUE_FULL', `${limit} rows are waiting`, 'Send fewer at a time, or try again later.');
}

/** With defaults. @throws OPTION_UNKNOWN, OPTION_INVALID */
export function readBatchingOptions(options: BatchingOptions = {}) {
  checkOptionNames('batching', options, ['maxBatch', 'maxDelayMs', 'maxQueue', 'onBatch']);
  const { maxBatch = 64, maxDelayMs = 0, maxQueue = Number.POSITIVE_INFINITY, onBatch } = options;
  if (!(Number.isInteger(maxBatch) && maxBatch >= 1)) refuse('maxBatch', maxBatch, 'a whole number above 0');
  if (!(maxDelayMs >= 0 && maxDelayMs <= 60_000)) refuse('maxDelayMs', maxDelayMs, 'milliseconds from 0 to 60000');
  if (!(maxQueue >= 1)) refuse('maxQueue', maxQueue, 'a number of at least 1');
  return { maxBatch, maxDelayMs, maxQueue, onBatch };
}

function refuse(name: string, value: unknown, hint: string): never {
  fail('OPTION_INVALID', `batching.${name} is ${String(value)}`, `Give ${hint}.`);
}
