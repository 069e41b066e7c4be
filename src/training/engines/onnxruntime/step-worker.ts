/**
 * What a worker thread does: it runs its share of a batch through a one-thread session, and updates its range of the
 * weights. Node 20 cannot start a worker from TypeScript and the package is bundled, so the worker is started from the
 * source text of the functions in `stepWorkerSource`: they may use nothing but their parameters and what is global.
 */
import type { parentPort } from 'node:worker_threads';
import type { OrtModule } from '../../../../runtime/onnx/ort.ts';
import type { OptimiserOptions, StepRates } from '../../optimisers.ts';
import { instantiateKernels } from '../wasm/kernels.ts';
import { moveWeights } from '../wasm/move-weights.ts';

export interface WorkerData {
  /** Absolute path of onnxruntime's entry. */
  readonly ort: string;
  /** The bytes of the graphs. */
  readonly models: { readonly training: Uint8Array; readonly evaluation: Uint8Array };
  readonly optimiser: OptimiserOptions;
  /** The compiled kernels of engine wasm, of which the optimisers are used. */
  readonly kernels: unknown;
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
  readonly rates: StepRates;
  /** Shares that have gradients: the first ones. */
  readonly shares: number;
  /** Range of the layout, for whole parameters. */
  readonly from: number;
  readonly to: number;
  /** Ranges of tables, from the first value of each, which stands at `offset` of the layout. */
  readonly tables: readonly {
    readonly offset: number;
    readonly width: number;
    readonly from: number;
    readonly to: number;
    readonly gradients: readonly RowGradients[];
  }[];
}

export type WorkerRequest = RunRequest | UpdateRequest;
/** Of the worker; undefined: done. */
export type WorkerReply = { readonly error: string } | undefined;

/** The program of a worker, to be started with `eval`. */
export const stepWorkerSource = `{
  const { parentPort, workerData } = require('node:worker_threads');
  (${stepWorker})(parentPort, workerData, require(workerData.ort), ${instantiateKernels}, ${moveWeights});
}`;

async function stepWorker(
  port: NonNullable<typeof parentPort>,
  { models, optimiser, kernels: module, weights, moments, gradients }: WorkerData,
  ort: OrtModule,
  instantiate: typeof instantiateKernels,
  move: typeof moveWeights,
): Promise<void> {
  type Session = Awaited<ReturnType<OrtModule['InferenceSession']['create']>>;
  const sessions = new Map<string, Session>();
  /** onnxruntime takes no shared memory, so inputs are copied; the copies' memory is used again. */
  const copies = new Map<string, Feed['data']>();

  /** The kernels work in a memory of their own, into which ranges are copied: as many values as stay in the cache. */
  const chunk = 4096;
  const first = 4096; // the kernels' constants lie before it
  const pages = Math.ceil((first + 4 * chunk * (1 + moments.length + gradients.length)) / 65536);
  const { memory, kernels } = await instantiate(module, pages, pages);
  const place = (k: number) => first + 4 * chunk * k;
  const moved = [weights, ...moments].map((values, k) => ({
    values,
    own: new Float32Array(memory.buffer, place(k), chunk),
  }));
  const ownGradients = gradients.map((_, share) => new Float32Array(memory.buffer, place(moved.length + share), chunk));

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

  /** Updates a range of the layout. @param load puts the gradients of a share into an array of zeros */
  function updateRange(
    { shares, rates }: UpdateRequest,
    from: number,
    to: number,
    load: (share: number, own: Float32Array) => void,
  ): void {
    for (const { values, own } of moved) own.set(values.subarray(from, to));
    for (let share = 0; share < shares; share++) load(share, ownGradients[share] as Float32Array);
    move(kernels, optimiser, rates, {
      weights: place(0),
      gradients: place(moved.length),
      shares,
      stride: 4 * chunk,
      moments: moments.map((_, k) => place(1 + k)),
      bytes: 16 * Math.ceil((to - from) / 4),
    });
    for (const { values, own } of moved) values.set(own.subarray(0, to - from), from);
  }

  function updateAll(request: UpdateRequest): void {
    for (let from = request.from; from < request.to; from += chunk) {
      const to = Math.min(from + chunk, request.to);
      updateRange(request, from, to, (share, own) => own.set((gradients[share] as Float32Array).subarray(from, to)));
    }
    for (const { offset, width, from: first, to: last, gradients: shares } of request.tables) {
      for (let from = first; from < last; from += chunk) {
        const to = Math.min(from + chunk, last);
        updateRange(request, offset + from, offset + to, (share, own) => {
          const { placeOf, rows } = shares[share] as RowGradients;
          for (let row = Math.floor(from / width); row * width < to; row++) {
            const at = placeOf[row] as number;
            if (at < 0) continue;
            const begin = Math.max(row * width, from);
            const end = Math.min((row + 1) * width, to);
            const shift = (at - row) * width;
            own.set(rows.subarray(begin + shift, end + shift), begin - from);
          }
        });
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
