/** A request for inference, from JSON with or without binary tensors behind it. */
import { isUtf8 } from 'node:buffer';
import { z } from 'zod';
import { fail } from '../../../src/core/errors.ts';
import { datatypes, type Elements, type InputTensor, type Parameters } from './tensor.ts';

export interface RequestedOutput {
  readonly name: string;
  readonly parameters: Parameters;
}

export interface InferRequest {
  readonly id: string | undefined;
  readonly parameters: Parameters;
  readonly inputs: readonly InputTensor[];
  /** Undefined: all of them. */
  readonly outputs: readonly RequestedOutput[] | undefined;
}

/** Clients that write every field of theirs write null for those without a value. */
const absent = <Schema extends z.ZodType>(schema: Schema) => schema.nullish().transform((value) => value ?? undefined);

const parameters = absent(z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])));

const inputSchema = z.strictObject({
  name: z.string(),
  datatype: z.enum(datatypes),
  shape: z.array(z.number()).min(1).max(8),
  parameters,
  /** Elements in row-major order, or nested as the shape is. Absent where they follow in binary form. */
  data: z.unknown().optional(),
});

/** The body of `POST …/infer`. */
export const requestSchema = z.strictObject({
  id: absent(z.string().max(256)),
  parameters,
  inputs: z.array(inputSchema).min(1).max(8),
  outputs: absent(z.array(z.strictObject({ name: z.string(), parameters })).max(16)),
});

type Input = z.output<typeof inputSchema>;

/**
 * @param body JSON, or JSON of `jsonLength` bytes and binary tensors behind it
 * @param jsonLength of the header Inference-Header-Content-Length, if there is one
 * @throws REQUEST_INVALID
 */
export function readRequest(body: Buffer, jsonLength: number | undefined): InferRequest {
  if (jsonLength !== undefined && jsonLength > body.length) {
    refuse(`Inference-Header-Content-Length is ${jsonLength}, the whole body has ${body.length} bytes`);
  }
  const json = parseJson(body.subarray(0, jsonLength));
  const { inputs, ...request } = parseWith(requestSchema, json);
  let at = jsonLength ?? body.length;
  const tensors = inputs.map((input): InputTensor => {
    const { name, datatype, shape } = input;
    const size = binarySize(input);
    if (size === undefined) return { name, datatype, shape, elements: jsonElements(input) };
    if (at + size > body.length)
      refuse(`input ${name} has ${size} bytes of binary data, the body only ${body.length - at}`);
    at += size;
    return { name, datatype, shape, elements: { kind: 'raw', bytes: body.subarray(at - size, at) } };
  });
  if (at !== body.length) refuse(`${body.length - at} bytes of the body belong to no input`);
  return {
    id: request.id,
    parameters: request.parameters ?? {},
    inputs: tensors,
    outputs: request.outputs?.map((output) => ({ name: output.name, parameters: output.parameters ?? {} })),
  };
}

/** What `Inference-Header-Content-Length` says. @throws REQUEST_INVALID */
export function readJsonLength(header: string | readonly string[] | undefined): number | undefined {
  if (header === undefined) return undefined;
  if (typeof header === 'string' && /^\d{1,15}$/.test(header)) return Number(header);
  return refuse('Inference-Header-Content-Length is no whole number');
}

/** @throws REQUEST_INVALID */
export function parseJson(bytes: Buffer): unknown {
  if (!isUtf8(bytes)) refuse('the JSON is not UTF-8');
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    return refuse(`the body is no JSON: ${(error as Error).message}`);
  }
}

/** @throws REQUEST_INVALID naming the field */
export function parseWith<Schema extends z.ZodType>(schema: Schema, json: unknown): z.output<Schema> {
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const place = issue?.path.join('.');
  return refuse(`${place ? `${place}: ` : ''}${issue?.message}`);
}

/** Of the binary extension; null is what some clients write for "in JSON". */
function binarySize({ name, parameters, data }: Input): number | undefined {
  const { binary_data_size: size, content_type: _, ...others } = parameters ?? {};
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) refuse(`input ${name} has the parameter ${unknown}; it takes binary_data_size`);
  if (size === undefined) return undefined;
  if (data !== undefined && data !== null) refuse(`input ${name} has both data and binary_data_size`);
  if (typeof size === 'number' && Number.isSafeInteger(size) && size >= 0) return size;
  return refuse(`input ${name}: binary_data_size is no whole number`);
}

function jsonElements({ name, data }: Input): Elements {
  if (data === undefined || data === null) refuse(`input ${name} has neither data nor binary_data_size`);
  return { kind: 'json', data };
}

function refuse(what: string): never {
  fail('REQUEST_INVALID', what, 'See docs/serving.md for the form of a request.');
}
