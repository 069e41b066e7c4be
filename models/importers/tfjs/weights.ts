/**
 * Weights of a manifest: one after the other, little-endian, float32 or quantised as the converter does it
 * (`quantization`: scale and minimum of uint8 and uint16, or float16).
 */
import { sizeOf, type Tensor } from '../../weights.ts';
import { isJson, refuseFile } from '../json.ts';
import { float16, readNumbers } from '../numbers.ts';

/** As the file has it: nothing is known of its types. */
export interface Entry {
  readonly name?: unknown;
  readonly shape?: unknown;
  readonly dtype?: unknown;
  readonly quantization?: unknown;
}

interface Stored {
  readonly name: string;
  readonly tensor: Tensor;
  /** As it lay in the file. */
  readonly type: string;
}

const readers = {
  float32: { bytes: 4, read: (view: DataView, at: number) => view.getFloat32(at, true) },
  float16: { bytes: 2, read: (view: DataView, at: number) => float16(view.getUint16(at, true)) },
  uint8: { bytes: 1, read: (view: DataView, at: number) => view.getUint8(at) },
  uint16: { bytes: 2, read: (view: DataView, at: number) => view.getUint16(at, true) },
} as const;

/** @throws IMPORT_INVALID */
export function readGroup(entries: readonly Entry[], bytes: Uint8Array, path: string): Stored[] {
  let at = 0;
  const stored = entries.map((entry) => {
    const { name, shape, dtype } = isJson(entry) ? (entry as Entry) : {};
    if (typeof name !== 'string') return refuseFile(path, 'has a weight without a name');
    if (dtype !== 'float32') return refuseFile(path, `weight ${name} has type ${String(dtype)}, a model's are float32`);
    if (!isShape(shape)) return refuseFile(path, `weight ${name} has no valid shape`);
    const { type, scale, min } = storageOf(name, entry.quantization, path);
    const { bytes: width, read } = readers[type];
    const end = at + width * sizeOf(shape);
    if (end > bytes.length)
      return refuseFile(path, `weight ${name} ends at byte ${end} of its files, which have ${bytes.length}`);
    const values = readNumbers(bytes.subarray(at, end), width, read);
    at = end;
    // in float64 and rounded once, as TensorFlow.js does
    const data = scale === undefined ? values : values.map((value) => value * scale + min);
    return { name, tensor: { shape, data }, type };
  });
  if (at !== bytes.length)
    return refuseFile(path, `has ${bytes.length - at} bytes of weights that it does not describe`);
  return stored;
}

interface Storage {
  readonly type: keyof typeof readers;
  readonly scale?: number;
  readonly min: number;
}

function storageOf(name: string, quantization: unknown, path: string): Storage {
  if (quantization === undefined || quantization === null) return { type: 'float32', min: 0 };
  const { dtype, scale, min } = isJson(quantization) ? quantization : {};
  if (dtype === 'float16') return { type: 'float16', min: 0 };
  if ((dtype === 'uint8' || dtype === 'uint16') && typeof scale === 'number' && typeof min === 'number') {
    return { type: dtype, scale, min };
  }
  return refuseFile(
    path,
    `weight ${name} is quantised in an unknown way: ${JSON.stringify(quantization)?.slice(0, 200)}`,
  );
}

function isShape(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((one) => Number.isSafeInteger(one) && one >= 0);
}
