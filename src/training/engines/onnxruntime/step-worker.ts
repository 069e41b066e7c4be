/**
 * What a worker thread does: it runs its share of a batch through a one-thread session, and updates its range of the
 * weights. Node 20 cannot start a worker from TypeScript and the package is bundled, so the worker is started from the
 * source text of `stepWorker` and of `updateWeight`: both may use nothing but their parameters and what is global.
 */
import type { parentPort } from 'node:worker_threads';
import type { OrtModule } from '../../../../runtime/onnx/ort.ts';
import { type OptimiserOptions, updateWeight } from '../../optimisers.ts';

export interface WorkerData {
  /** Absolute path of onnxruntime's entry. */
  readonly ort: string;
  /** The bytes of the graphs. */
  readonly models: { readonly training: Uint8Array; readonly evaluation: Uint8Array };
  readonly optimiser: OptimiserOptions;
  /** All parameters in their layout, shared by all threads, as are all arrays below. */
  readonly weights: Float32Array;
  readonly moments: readonly Float32Array[];
  /** Of each share the gradients of whole parameters, in the same layout. */
  readonly gradients: readonly Float32Array[];
}

export interface Feed {
  readonly name: string;
  readonly type: 'float32' | 'int32' | 'bool';
  readonly dims: readonly number[];
  readonly data: Float32Array | Int32Array | Uint8Array;
  /** Take these rows of `data` rather than all of it. */
  readonly rows?: Int32Array;
}

export interface RunRequest {
  readonly kind: 'run';
  readonly model: keyof WorkerData['models'];
  readonly feeds: readonly Feed[];
  /** Where outputs go. */
  readonly results: readonly { readonly name: string; readonly data: Float32Array }[];
}

/** Gradients of single rows of a table: those at the places ≥ 0 of `placeOf`. */
export interface RowGradients {
  readonly placeOf: Int32Array;
  readonly rows: Float32Array;
}

export interface UpdateRequest {
  readonly kind: 'update';
  readonly learningRate: number;
  /** Updates done including this one. */
  readonly step: number;
  /** Shares that have gradients: the first ones. */
  readonly shares: number;
  /** Range of the layout, for whole parameters. */
  readonly from: number;
  readonly to: number;
  /** Ranges of rows of tables. */
  readonly tables: readonly {
    readonly offset: number;
    readonly width: number;
    readonly fromRow: number;
    readonly toRow: number;
    readonly gradients: readonly RowGradients[];
  }[];
}

export type WorkerRequest = RunRequest | UpdateRequest;
/** Of the worker; undefined: done. */
export type WorkerReply = { readonly error: string } | undefined;

/** The program of a worker, to be started with `eval`. */
export const stepWorkerSource = `{
  const { parentPort, workerData } = require('node:worker_threads');
  (${stepWorker})(parentPort, workerData, require(workerData.ort), ${updateWeight});
}`;

function stepWorker(
  port: NonNullable<typeof parentPort>,
  { models, optimiser, weights, moments, gradients }: WorkerData,
  ort: OrtModule,
  update: typeof updateWeight,
): void {
  type Session = Awaited<ReturnType<OrtModule['InferenceSession']['create']>>;
  const sessions = new Map<string, Session>();
  /** onnxruntime takes no shared memory, so inputs are copied; the copies' memory is used again. */
  const copies = new Map<string, Feed['data']>();
  const chunk = 8192;
  const sums = new Float32Array(chunk);

  async function sessionOf(model: RunRequest['model']): Promise<Session> {
    const session =
      sessions.get(model) ??
      (await ort.InferenceSession.create(models[model], {
        executionProviders: ['cpu'],
        intraOpNumThreads: 1,
        interOpNumThreads: 1,
        executionMode: 'sequential',
        logSeverityLevel: 4,
      }));
    sessions.set(model, session);
    return session;
  }

  function copyOf({ name, data, dims, rows }: Feed): Feed['data'] {
    const length = dims.reduce((product, dimension) => product * dimension, 1);
    let held = copies.get(name);
    if (held === undefined || held.length < length) {
      held = new (data.constructor as Float32ArrayConstructor)(length);
      copies.set(name, held);
    }
    const copy = held.subarray(0, length);
    if (rows === undefined) {
      copy.set(data);
      return copy;
    }
    const width = length / rows.length;
    for (let place = 0; place < rows.length; place++) {
      const from = (rows[place] as number) * width;
      copy.set(data.subarray(from, from + width), place * width);
    }
    return copy;
  }

  async function run({ model, feeds, results }: RunRequest): Promise<void> {
    const session = await sessionOf(model);
    const tensors = feeds.map(
      (feed) => [feed.name, new ort.Tensor(feed.type, copyOf(feed) as Float32Array, feed.dims)] as const,
    );
    const outputs = await session.run(Object.fromEntries(tensors));
    for (const { name, data } of results) data.set(outputs[name]?.data as Float32Array);
  }

  /** Adds up the gradients of a range, share by share, and updates it. */
  function updateRange(request: UpdateRequest, from: number, to: number, add: (share: number) => void): void {
    const sum = sums.subarray(0, to - from);
    sum.fill(0);
    for (let share = 0; share < request.shares; share++) add(share);
    const own = moments.map((moment) => moment.subarray(from, to));
    update(optimiser, request.learningRate, request.step, weights.subarray(from, to), sum, own);
  }

  function updateAll(request: UpdateRequest): void {
    for (let from = request.from; from < request.to; from += chunk) {
      const to = Math.min(from + chunk, request.to);
      updateRange(request, from, to, (share) => {
        const gradient = gradients[share] as Float32Array;
        for (let i = from; i < to; i++) sums[i - from] = (sums[i - from] as number) + (gradient[i] as number);
      });
    }
    for (const { offset, width, fromRow, toRow, gradients: shares } of request.tables) {
      const rowsAtOnce = Math.max(1, Math.floor(chunk / width));
      const columns = Math.min(width, chunk);
      for (let row = fromRow; row < toRow; row += rowsAtOnce) {
        const end = Math.min(row + rowsAtOnce, toRow);
        for (let column = 0; column < width; column += columns) {
          const size = rowsAtOnce > 1 ? (end - row) * width : Math.min(columns, width - column);
          const first = offset + row * width + column;
          updateRange(request, first, first + size, (share) => {
            const { placeOf, rows } = shares[share] as RowGradients;
            for (let r = row; r < end; r++) {
              const place = placeOf[r] as number;
              if (place < 0) continue;
              const to = (r - row) * width;
              const source = place * width + column;
              const count = Math.min(size, width - column);
              for (let j = 0; j < count; j++) sums[to + j] = (sums[to + j] as number) + (rows[source + j] as number);
            }
          });
        }
      }
    }
  }

  port.on('message', async (request: WorkerRequest) => {
    try {
      if (request.kind === 'run') await run(request);
      else updateAll(request);
      port.postMessage(undefined);
    } catch (error) {
      port.postMessage({ error: (error as Error).message });
    }
  });
  port.postMessage(undefined);
}
