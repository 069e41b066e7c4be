/**
 * A session of onnxruntime with guards. Left to itself it aborts the whole process at a zero dimension, ignores
 * inputs that it does not know, and reads whatever lies behind data that are too short.
 */
import type * as Ort from 'onnxruntime-node';
import { readHeader } from '../../models/metadata/header.ts';
import { fail } from '../../src/core/errors.ts';
import { loadOrt } from './ort.ts';
import {
  chooseProviders,
  type ProviderChoice,
  type ProviderName,
  type ProviderRequest,
  refuseCuda,
} from './providers.ts';

/** Element types that go in and out, with the arrays that hold them. */
const arrays = {
  float32: Float32Array,
  int32: Int32Array,
  int64: BigInt64Array,
  bool: Uint8Array,
} as const;
type DataType = keyof typeof arrays;

export interface SessionTensor {
  readonly dataType: DataType;
  readonly dims: readonly number[];
  /** Row-major values. */
  readonly data: Float32Array | Int32Array | BigInt64Array | Uint8Array;
}

export interface Port {
  readonly name: string;
  readonly dataType: string;
  /** A free dimension has a name. */
  readonly shape: readonly (number | string)[];
}

export interface SessionOptions {
  /** Default: `auto`. */
  readonly providers?: ProviderRequest;
  /** Threads inside one operator. Default: one a core. */
  readonly threads?: number;
}

export type Feeds = Readonly<Record<string, SessionTensor>>;

export interface Session {
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  /** Asked of onnxruntime, in order of preference; where nodes really ran is told by `profilePlacement`. */
  readonly providers: readonly ProviderName[];
  /** Why these providers, in one line. */
  readonly providerNote: string;
  /** @throws INPUT_INVALID, RUNTIME_FAILED */
  run(feeds: Feeds): Promise<Readonly<Record<string, SessionTensor>>>;
  /** Writes the profile, if one was asked for. */
  endProfiling(): void;
  release(): Promise<void>;
}

/** onnxruntime's own lines on standard error: only fatal ones, as all others reach the caller as errors. */
const quiet = { logSeverityLevel: 4 } as const;

/**
 * @param model the bytes of an ONNX file
 * @param profilePrefix where to write a profile of the runs, if one is wanted
 * @throws ONNX_INVALID, OPTION_INVALID, PACKAGE_MISSING, PROVIDER_MISSING
 */
export async function openSession(
  model: Uint8Array,
  { providers: request = 'auto', threads }: SessionOptions = {},
  profilePrefix?: string,
): Promise<Session> {
  if (threads !== undefined && !(Number.isInteger(threads) && threads >= 1 && threads <= 1024)) {
    fail('OPTION_INVALID', `threads is ${String(threads)}`, 'Give a whole number from 1 to 1024.');
  }
  readHeader(model);
  const ort = await loadOrt();
  const choice = chooseProviders(request, ort);
  const { session, providers, note } = await create(choice, (executionProviders) =>
    ort.InferenceSession.create(model, {
      ...quiet,
      executionProviders,
      ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
      ...(profilePrefix === undefined ? {} : { enableProfiling: true, profileFilePrefix: profilePrefix }),
    }),
  );
  const inputs = session.inputMetadata.map(portOf);

  return {
    inputs,
    outputs: session.outputMetadata.map(portOf),
    providers,
    providerNote: note,
    async run(feeds) {
      checkFeeds(inputs, feeds);
      const tensors = Object.entries(feeds).map(
        ([name, { dataType, data, dims }]) => [name, new ort.Tensor(dataType, data as Int32Array, dims)] as const,
      );
      try {
        const results = await session.run(Object.fromEntries(tensors));
        return Object.fromEntries(Object.entries(results).map(([name, value]) => [name, tensorOf(value)]));
      } catch (error) {
        return runtimeFailed(error);
      }
    },
    endProfiling: () => session.endProfiling(),
    release: () => session.release(),
  };
}

interface Created {
  readonly session: Ort.InferenceSession;
  readonly providers: readonly ProviderName[];
  readonly note: string;
}

/** onnxruntime does not say whether the model or the provider is at fault: a model that opens on the CPU is not. */
async function create(
  { providers, note, optional }: ProviderChoice,
  open: (providers: ProviderName[]) => Promise<Ort.InferenceSession>,
): Promise<Created> {
  try {
    return { session: await open([...providers]), providers, note };
  } catch (error) {
    if (!providers.includes('cuda')) return modelRefused(error);
    const session = await open(['cpu']).catch(modelRefused);
    if (optional) return { session, providers: ['cpu'], note: `cpu: CUDA does not start: ${firstLine(error)}` };
    await session.release();
    return refuseCuda(firstLine(error), error);
  }
}

/** @throws INPUT_INVALID */
function checkFeeds(inputs: readonly Port[], feeds: Feeds): void {
  for (const name of Object.keys(feeds)) {
    if (!inputs.some((input) => input.name === name)) inputRefused(inputs, `the model has no input ${name}`);
  }
  for (const { name, dataType, shape } of inputs) {
    const feed = feeds[name] ?? inputRefused(inputs, `input ${name} is missing`);
    const { dims, data } = feed;
    if (feed.dataType !== dataType || !(data instanceof arrays[feed.dataType])) {
      inputRefused(inputs, `input ${name} is ${feed.dataType} in a ${data?.constructor.name}, not ${dataType}`);
    }
    const fits = shape.every((size, axis) => typeof size === 'string' || size === dims[axis]);
    if (dims.length !== shape.length || !fits) inputRefused(inputs, `input ${name} has shape [${dims}]`);
    const bad = dims.find((size) => !Number.isSafeInteger(size) || size < 1);
    if (bad !== undefined) inputRefused(inputs, `input ${name} has a dimension of ${bad}`);
    const size = dims.reduce((product, dimension) => product * dimension, 1);
    if (size !== data.length) {
      inputRefused(inputs, `input ${name} has ${data.length} values for the shape [${dims}]`);
    }
  }
}

function inputRefused(inputs: readonly Port[], what: string): never {
  const ports = inputs.map(({ name, dataType, shape }) => `${name}, ${dataType} [${shape.join(', ')}]`);
  fail('INPUT_INVALID', what, `The model takes ${ports.join('; ')}; every dimension is at least 1.`);
}

function portOf(port: Ort.InferenceSession.ValueMetadata): Port {
  return port.isTensor
    ? { name: port.name, dataType: port.type, shape: port.shape }
    : { name: port.name, dataType: 'no tensor', shape: [] };
}

function tensorOf({ type, dims, data }: Ort.Tensor): SessionTensor {
  return { dataType: type as DataType, dims, data: data as SessionTensor['data'] };
}

function firstLine(error: unknown): string {
  return (error as Error).message.split('\n')[0] ?? '';
}

function modelRefused(error: unknown): never {
  fail(
    'ONNX_INVALID',
    `onnxruntime refuses the model: ${firstLine(error)}`,
    'Export the model again, or use another copy of the file.',
    error,
  );
}

function runtimeFailed(error: unknown): never {
  fail(
    'RUNTIME_FAILED',
    `onnxruntime: ${firstLine(error)}`,
    'Try providers: "cpu"; if it stays, please report it.',
    error,
  );
}
