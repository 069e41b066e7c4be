/**
 * Tensors of the Open Inference Protocol, version 2, as REST and gRPC both use them.
 * https://github.com/kserve/open-inference-protocol
 */
import { isUtf8 } from 'node:buffer';
import { fail } from '../../../src/core/errors.ts';

/** What the protocol can name. A model of this package takes BYTES, INT32 and INT64 and gives FP32 and BYTES. */
export const datatypes = [
  'BOOL',
  'UINT8',
  'UINT16',
  'UINT32',
  'UINT64',
  'INT8',
  'INT16',
  'INT32',
  'INT64',
  'FP16',
  'FP32',
  'FP64',
  'BYTES',
] as const;
export type Datatype = (typeof datatypes)[number];

export type Parameter = string | number | boolean;
export type Parameters = Readonly<Record<string, Parameter>>;

/** Where the elements of an input stand: in JSON, nested or flat; in typed lists of a message; in raw bytes. */
export type Elements =
  | { readonly kind: 'json'; readonly data: unknown }
  | { readonly kind: 'list'; readonly values: readonly (number | bigint | Uint8Array)[] }
  | { readonly kind: 'raw'; readonly bytes: Uint8Array };

export interface InputTensor {
  readonly name: string;
  readonly datatype: Datatype;
  readonly shape: readonly number[];
  readonly elements: Elements;
}

export interface OutputTensor {
  readonly name: string;
  readonly datatype: 'FP32' | 'BYTES';
  readonly shape: readonly number[];
  /** Row-major: FP32 as numbers, BYTES as text. */
  readonly data: Float32Array | readonly string[];
}

/** Raw elements are little-endian, as every machine is that onnxruntime has binaries for. */
const int32Bytes = 4;

/** Token ids of an input of shape [rows, time]. @throws INPUT_INVALID */
export function readIds(tensor: InputTensor): Int32Array {
  const { name, datatype, elements } = tensor;
  if (datatype !== 'INT32' && datatype !== 'INT64') {
    return fail('INPUT_INVALID', `input ${name} is ${datatype}`, 'Ids are INT32 or INT64.');
  }
  const count = sizeOf(tensor);
  if (elements.kind === 'raw') return rawIds(name, datatype, elements.bytes, count);
  const values = elements.kind === 'json' ? flatten(tensor, elements.data) : elements.values;
  checkCount(name, values.length, count);
  const ids = new Int32Array(count);
  for (let at = 0; at < count; at++) {
    const value = Number(typeof values[at] === 'bigint' ? values[at] : numberAt(name, values, at));
    if (value !== (value | 0)) fail('INPUT_INVALID', `input ${name} has ${value} at ${at}`, 'Ids are whole numbers.');
    ids[at] = value;
  }
  return ids;
}

/** Texts of an input of shape [rows] or [rows, 1]. @throws INPUT_INVALID */
export function readTexts(tensor: InputTensor): string[] {
  const { name, datatype, elements } = tensor;
  if (datatype !== 'BYTES') return fail('INPUT_INVALID', `input ${name} is ${datatype}`, 'Texts are BYTES.');
  const count = sizeOf(tensor);
  if (elements.kind === 'raw') return rawTexts(name, elements.bytes, count);
  if (elements.kind === 'list') {
    checkCount(name, elements.values.length, count);
    return elements.values.map((value, at) => decodeText(name, value as Uint8Array, at));
  }
  const values = flatten(tensor, elements.data);
  checkCount(name, values.length, count);
  const bad = values.findIndex((value) => typeof value !== 'string');
  if (bad >= 0)
    fail('INPUT_INVALID', `input ${name} has ${kindOf(values[bad])} at ${bad}`, 'BYTES are strings in JSON.');
  return values as string[];
}

/** Raw bytes of an output: float32, or each text behind its length as uint32. */
export function rawBytes({ data }: OutputTensor): Buffer {
  if (data instanceof Float32Array) return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return Buffer.concat(
    data.flatMap((text) => {
      const bytes = Buffer.from(text);
      const length = Buffer.alloc(int32Bytes);
      length.writeUInt32LE(bytes.length);
      return [length, bytes];
    }),
  );
}

/** Elements that the shape promises. @throws INPUT_INVALID */
function sizeOf({ name, shape }: InputTensor): number {
  const bad = shape.find((size) => !Number.isSafeInteger(size) || size < 1);
  if (bad === undefined) return shape.reduce((product, dimension) => product * dimension, 1);
  return fail(
    'INPUT_INVALID',
    `input ${name} has the shape [${shape.join(', ')}]`,
    'Every dimension is a whole number above 0.',
  );
}

function checkCount(name: string, given: number, expected: number): void {
  if (given === expected) return;
  fail(
    'INPUT_INVALID',
    `input ${name} has ${given} elements, its shape ${expected}`,
    'Give as many as the shape says.',
  );
}

/** Elements of a list, or of lists in lists as the shape nests them. */
function flatten({ name, shape }: InputTensor, data: unknown): readonly unknown[] {
  if (!Array.isArray(data)) return fail('INPUT_INVALID', `input ${name} has no list as data`, 'Give an array.');
  if (!Array.isArray(data[0])) return data;
  return shape.slice(1).reduce<unknown[]>((level, size) => {
    const bad = level.findIndex((row) => !Array.isArray(row) || row.length !== size);
    if (bad >= 0) fail('INPUT_INVALID', `input ${name}: row ${bad} does not have ${size} elements`, 'Match the shape.');
    return (level as unknown[][]).flat();
  }, data);
}

function numberAt(name: string, values: readonly unknown[], at: number): number {
  const value = values[at];
  if (typeof value === 'number') return value;
  return fail('INPUT_INVALID', `input ${name} has ${kindOf(value)} at ${at}`, 'Ids are numbers.');
}

function rawIds(name: string, datatype: 'INT32' | 'INT64', bytes: Uint8Array, count: number): Int32Array {
  const width = datatype === 'INT32' ? 1 : 2;
  checkBytes(name, bytes.length, count * width * int32Bytes);
  const words = new Int32Array(count * width);
  new Uint8Array(words.buffer).set(bytes); // the bytes may stand anywhere, an Int32Array only at multiples of four
  if (width === 1) return words;
  const ids = new Int32Array(count);
  for (let at = 0; at < count; at++) {
    const low = words[2 * at] as number;
    if (words[2 * at + 1] !== low >> 31) {
      fail('INPUT_INVALID', `input ${name} has an id beyond 32 bits at ${at}`, 'Ids are below the vocabulary size.');
    }
    ids[at] = low;
  }
  return ids;
}

function rawTexts(name: string, bytes: Uint8Array, count: number): string[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const texts: string[] = [];
  let at = 0;
  while (at < bytes.length) {
    const from = at + int32Bytes;
    const length = from <= bytes.length ? view.getUint32(at, true) : Number.POSITIVE_INFINITY;
    if (from + length > bytes.length) {
      fail(
        'INPUT_INVALID',
        `input ${name} is cut short in element ${texts.length}`,
        'Each text follows its length as uint32.',
      );
    }
    texts.push(decodeText(name, bytes.subarray(from, from + length), texts.length));
    at = from + length;
  }
  checkCount(name, texts.length, count);
  return texts;
}

function checkBytes(name: string, given: number, expected: number): void {
  if (given === expected) return;
  fail('INPUT_INVALID', `input ${name} has ${given} bytes, its shape and datatype ${expected}`, 'Give as many.');
}

function decodeText(name: string, bytes: Uint8Array, at: number): string {
  if (isUtf8(bytes)) return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  return fail('INPUT_INVALID', `input ${name} is not UTF-8 in element ${at}`, 'Send texts as UTF-8.');
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'a list' : `a ${typeof value}`;
}
