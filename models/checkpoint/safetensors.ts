/**
 * The safetensors container (https://github.com/huggingface/safetensors, format of version 0.4): eight bytes
 * little-endian length of a JSON header, the header, then the tensors without gaps. Checkpoints are F32; files of others are read with the types that they have.
 * Nothing in a file is trusted: every offset and size is checked before it is used.
 */
import { fail } from '../../src/core/errors.ts';
import { sizeOf, type Tensor } from '../weights.ts';

export interface SafetensorsFile {
  readonly tensors: ReadonlyMap<string, Tensor>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Longest header that readers of the format accept. */
const headerLimit = 100_000_000;

/** The same tensors and metadata in the same order give the same bytes. */
export function encodeSafetensors({ tensors, metadata }: SafetensorsFile): Uint8Array {
  let end = 0;
  const entries = [...tensors].map(([name, { shape, data }]) => {
    const begin = end;
    end += data.byteLength;
    return [name, { dtype: 'F32', shape, data_offsets: [begin, end] }] as const;
  });
  const json = new TextEncoder().encode(JSON.stringify({ __metadata__: metadata, ...Object.fromEntries(entries) }));
  const headerLength = Math.ceil(json.length / 8) * 8;
  const bytes = new Uint8Array(8 + headerLength + end);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(headerLength), true);
  bytes.fill(0x20, 8, 8 + headerLength); // the format pads with spaces
  bytes.set(json, 8);
  let at = 8 + headerLength;
  for (const { data } of tensors.values()) {
    for (const value of data) {
      view.setFloat32(at, value, true);
      at += 4;
    }
  }
  return bytes;
}

/** @throws CHECKPOINT_INVALID with what is wrong */
export function decodeSafetensors(bytes: Uint8Array, path: string): SafetensorsFile {
  const refuse = (what: string): never =>
    fail('CHECKPOINT_INVALID', `${path}: ${what}`, 'The file is damaged or no checkpoint: use another copy of it.');
  const { tensors, metadata } = readSafetensors(bytes, refuse);
  const decoded = [...tensors].map(([name, { dtype, shape, bytes }]): [string, Tensor] => {
    if (dtype !== 'F32') return refuse(`tensor ${name} has type ${dtype}, only F32 is read`);
    if (bytes.length !== 4 * sizeOf(shape)) return refuse(`tensor ${name} does not have the size of its shape`);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return [
      name,
      { shape, data: Float32Array.from({ length: sizeOf(shape) }, (_, i) => view.getFloat32(4 * i, true)) },
    ];
  });
  return { tensors: new Map(decoded), metadata };
}

/** A tensor as it lies in the file. */
export interface StoredTensor {
  /** Such as `F32`; what it means, and whether the bytes are as many as the shape needs, is for the reader to say. */
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/** Tensors of any type. @param refuse throws the error of the file */
export function readSafetensors(
  bytes: Uint8Array,
  refuse: (what: string) => never,
): { readonly tensors: ReadonlyMap<string, StoredTensor>; readonly metadata: Readonly<Record<string, string>> } {
  if (bytes.length < 8) return refuse(`has ${bytes.length} bytes, too few for a safetensors file`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerLength = Number(view.getBigUint64(0, true));
  if (headerLength > headerLimit || 8 + headerLength > bytes.length) {
    return refuse(`is cut short or no safetensors file: its header would take ${headerLength} bytes`);
  }
  const { __metadata__: metadata = {}, ...entries } = parseHeader(bytes.subarray(8, 8 + headerLength), refuse);
  if (!isRecord(metadata) || Object.values(metadata).some((value) => typeof value !== 'string')) {
    return refuse('has metadata that are not strings');
  }
  const data = bytes.subarray(8 + headerLength);
  const places = Object.entries(entries).map(([name, entry]) => placeOf(name, entry, refuse));
  let expected = 0;
  for (const { name, begin, end } of places.toSorted((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (begin !== expected || end < begin) return refuse(`tensor ${name} does not lie where the one before it ends`);
    if (end > data.length) {
      return refuse(`is cut short: tensor ${name} ends at byte ${8 + headerLength + end}, the file at ${bytes.length}`);
    }
    expected = end;
  }
  if (expected !== data.length) return refuse(`has ${data.length - expected} bytes too many at its end`);
  const tensors = places.map(({ name, dtype, shape, begin, end }): [string, StoredTensor] => [
    name,
    { dtype, shape, bytes: data.subarray(begin, end) },
  ]);
  return { tensors: new Map(tensors), metadata: metadata as Record<string, string> };
}

/** Where a tensor lies in the data part, in bytes. */
interface Place {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

function placeOf(name: string, entry: unknown, refuse: (what: string) => never): Place {
  const { dtype, shape, data_offsets: offsets } = isRecord(entry) ? entry : {};
  if (typeof dtype !== 'string') return refuse(`tensor ${name} has no type`);
  if (!isCounts(shape) || !isCounts(offsets) || offsets.length !== 2) {
    return refuse(`tensor ${name} has no valid shape or offsets`);
  }
  const [begin, end] = offsets as [number, number];
  return { name, dtype, shape, begin, end };
}

function parseHeader(bytes: Uint8Array, refuse: (what: string) => never): Record<string, unknown> {
  try {
    const header: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    return isRecord(header) ? header : refuse('has a header that is no JSON object');
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return refuse('has a header that is no JSON');
    throw error;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
}
