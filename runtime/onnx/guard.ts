/**
 * A session of onnxruntime with guards, whichever of its packages opened it. Left to itself it aborts the whole process
 * at a zero dimension, ignores inputs that it does not know, and reads whatever lies behind data that are too short.
 */
import type { InferenceSession, Tensor, TensorConstructor } from 'onnxruntime-common';
import { fail, firstLine, RecurrentError } from '../../src/core/errors.ts';

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

export type Feeds = Readonly<Record<string, SessionTensor>>;

export interface GuardedSession {
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  /** @throws INPUT_INVALID, RUNTIME_FAILED */
  run(feeds: Feeds): Promise<Readonly<Record<string, SessionTensor>>>;
  release(): Promise<void>;
}

/** @param ort the package that opened the session */
export function guardSession(ort: { readonly Tensor: TensorConstructor }, session: InferenceSession): GuardedSession {
  const inputs = session.inputMetadata.map(portOf);
  return {
    inputs,
    outputs: session.outputMetadata.map(portOf),
    async run(feeds) {
      checkFeeds(inputs, feeds);
      const tensors = Object.entries(feeds).map(
        ([name, { dataType, data, dims }]) => [name, new ort.Tensor(dataType, data as Int32Array, dims)] as const,
      );
      try {
        const results = await session.run(Object.fromEntries(tensors));
        return Object.fromEntries(Object.entries(results).map(([name, value]) => [name, tensorOf(value as Tensor)]));
      } catch (error) {
        return runtimeFailed(error);
      }
    },
    release: () => session.release(),
  };
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

function portOf(port: InferenceSession.ValueMetadata): Port {
  return port.isTensor
    ? { name: port.name, dataType: port.type, shape: port.shape }
    : { name: port.name, dataType: 'no tensor', shape: [] };
}

function tensorOf({ type, dims, data }: Tensor): SessionTensor {
  return { dataType: type as DataType, dims, data: data as SessionTensor['data'] };
}

function runtimeFailed(error: unknown): never {
  if (error instanceof RecurrentError) throw error; // the process is gone
  fail(
    'RUNTIME_FAILED',
    `onnxruntime: ${firstLine(error)}`,
    'Try execution provider cpu; if it stays, please report it.',
    error,
  );
}

/** @throws ONNX_INVALID */
export function modelRefused(error: unknown): never {
  if (error instanceof RecurrentError) throw error;
  fail(
    'ONNX_INVALID',
    `onnxruntime refuses the model: ${firstLine(error)}`,
    'Export the model again, or use another copy of the file.',
    error,
  );
}
