/** An answer to a request for inference: as JSON, or as JSON with binary tensors behind it. */
import { fail } from '../../../src/core/errors.ts';
import type { InferRequest } from './request.ts';
import { type OutputTensor, rawBytes } from './tensor.ts';

export interface InferResponse {
  readonly modelName: string;
  readonly modelVersion: string;
  readonly id: string | undefined;
  readonly outputs: readonly OutputTensor[];
}

export interface WrittenResponse {
  readonly body: Buffer | string;
  /** Bytes of the JSON where binary tensors follow it. */
  readonly jsonLength: number | undefined;
}

/** @throws REQUEST_INVALID when a parameter of the binary extension is no boolean */
export function writeResponse(response: InferResponse, request: InferRequest): WrittenResponse {
  const isBinary = binaryChoice(request);
  const raw: Buffer[] = [];
  const outputs = response.outputs.map((tensor) => {
    const { name, datatype, shape, data } = tensor;
    if (!isBinary(name)) return { name, datatype, shape, data: data instanceof Float32Array ? [...data] : data };
    const bytes = rawBytes(tensor);
    raw.push(bytes);
    return { name, datatype, shape, parameters: { binary_data_size: bytes.length } };
  });
  const json = JSON.stringify({
    model_name: response.modelName,
    model_version: response.modelVersion,
    id: response.id,
    outputs,
  });
  if (raw.length === 0) return { body: json, jsonLength: undefined };
  const head = Buffer.from(json);
  return { body: Buffer.concat([head, ...raw]), jsonLength: head.length };
}

function binaryChoice({ parameters, outputs }: InferRequest): (name: string) => boolean {
  const all = readFlag('binary_data_output', parameters.binary_data_output) ?? false;
  const own = new Map(
    outputs?.map(({ name, parameters: { binary_data } }) => [name, readFlag(`binary_data of ${name}`, binary_data)]),
  );
  return (name) => own.get(name) ?? all;
}

function readFlag(what: string, value: unknown): boolean | undefined {
  if (value === undefined || typeof value === 'boolean') return value;
  return fail('REQUEST_INVALID', `${what} is not a boolean`, 'Give true or false.');
}
