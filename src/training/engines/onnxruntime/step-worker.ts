/**
 * What a worker thread does: it runs its share of a batch through a one-thread session, and updates its range of the
 * weights. Node 20 cannot start a worker from TypeScript and the package is bundled, so the worker is started from the
 * source text of the functions in `stepWorkerSource`: they may use nothing but their parameters and what is global.
 */
import type { parentPort } from 'node:worker_threads';
import type { OrtModule } from '../../../../runtime/onnx/ort.ts';
import type { OptimiserOptions, StepRates } from '../../optimisers.ts';
import { type Address, instantiateKernels, type KernelMemory } from '../wasm/kernels.ts';
import { moveWeights, type WeightRange } from '../wasm/move-weights.ts';

export interface WorkerData {
  /** Absolute path of onnxruntime's entry. */
  readonly ort: string;
  /** Execution providers, in order of preference. */
  readonly providers: readonly string[];
  /** The bytes of the graphs. */
  readonly models: { readonly training: Uint8Array; readonly evaluation: Uint8Array };
  readonly optimiser: OptimiserOptions;
  /** The compiled kernels of engine wasm, of which the optimisers are used. */
  readonly module: unknown;
  /** Where the parameters lie. */
  readonly memory: KernelMemory;
  /** Values of a piece of a table. */
  readonly pieceLength: number;
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

/** Some values of a table: all whose number is at least `from` and below `to`. Addresses are of value 0. */
export interface TableRange extends Pick<WeightRange, 'weights' | 'moments'> {
  readonly width: number;
  readonly from: number;
  readonly to: number;
  /** Of each share. */
  readonly gradients: readonly RowGradients[];
}

export interface UpdateRequest {
  readonly kind: 'update';
  readonly rates: StepRates;
  /** Of whole parameters. */
  readonly whole: WeightRange;
  readonly tables: readonly TableRange[];
  /** Where the gradients of a piece of a table go, zeros yet. */
  readonly piece: Address;
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
  { models, providers, optimiser, module, memory, pieceLength }: WorkerData,
  ort: OrtModule,
  instantiate: typeof instantiateKernels,
  move: typeof moveWeights,
): Promise<void> {
  type Session = Awaited<ReturnType<OrtModule['InferenceSession']['create']>>;
  const sessions = new Map<string, Session>();
  /** onnxruntime takes no shared memory, so inputs are copied; the copies' memory is used again. */
  const copies = new Map<string, Feed['data']>();
  const kernels = await instantiate(module, memory);

  async function sessionOf(model: RunRequest['model']): Promise<Session> {
    const session =
      sessions.get(model) ??
      (await ort.InferenceSession.create(models[model], {
        executionProviders: providers,
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

  function updateTable({ rates, piece }: UpdateRequest, table: TableRange): void {
    const { weights, moments, width, gradients } = table;
    for (let from = table.from; from < table.to; from += pieceLength) {
      const to = Math.min(from + pieceLength, table.to);
      gradients.forEach(({ placeOf, rows }, share) => {
        const own = new Float32Array(memory.buffer, piece + 4 * pieceLength * share, to - from);
        const end = Math.min(to, placeOf.length * width);
        for (let row = Math.floor(from / width); row * width < end; row++) {
          const place = placeOf[row] as number;
          if (place < 0) continue;
          const shift = (place - row) * width;
          const last = Math.min((row + 1) * width, end);
          for (let i = Math.max(row * width, from); i < last; i++) own[i - from] = rows[i + shift] as number;
        }
      });
      move(kernels, optimiser, rates, {
        weights: weights + 4 * from,
        gradients: piece,
        shares: gradients.length,
        stride: 4 * pieceLength,
        moments: moments.map((at) => at + 4 * from),
        bytes: 4 * (to - from),
      });
    }
  }

  function updateAll(request: UpdateRequest): void {
    move(kernels, optimiser, request.rates, request.whole);
    for (const table of request.tables) updateTable(request, table);
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
