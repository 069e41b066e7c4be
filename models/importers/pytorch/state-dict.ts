/** Tensors by name, from a `.safetensors` file or from the zip archive that `torch.save` writes. */
import { fail } from '../../../src/core/errors.ts';
import { readSafetensors } from '../../checkpoint/safetensors.ts';
import { sizeOf, type Tensor } from '../../weights.ts';
import { refuseFile } from '../json.ts';
import { bfloat16, float16, readNumbers } from '../numbers.ts';
import { readZip } from '../zip.ts';
import { isTensor, type PickledTensor, readPickle } from './pickle.ts';

export interface StateDict {
  readonly tensors: ReadonlyMap<string, Tensor>;
  /** Of the file, but for float32. */
  readonly types: readonly string[];
}

interface NumberType {
  readonly name: string;
  readonly bytes: number;
  readonly read: (view: DataView, at: number) => number;
}

const float32: NumberType = { name: 'float32', bytes: 4, read: (view, at) => view.getFloat32(at, true) };
const float64: NumberType = { name: 'float64', bytes: 8, read: (view, at) => view.getFloat64(at, true) };
const half: NumberType = { name: 'float16', bytes: 2, read: (view, at) => float16(view.getUint16(at, true)) };
const brain: NumberType = { name: 'bfloat16', bytes: 2, read: (view, at) => bfloat16(view.getUint16(at, true)) };

/** By their names in safetensors and in pickles. */
const types: Readonly<Record<string, NumberType>> = {
  ...{ F32: float32, F64: float64, F16: half, BF16: brain },
  ...{ FloatStorage: float32, DoubleStorage: float64, HalfStorage: half, BFloat16Storage: brain },
};

/** The lines that write what can be read. */
const saving = 'In Python: from safetensors.torch import save_file; save_file(model.state_dict(), "model.safetensors")';

/** @throws IMPORT_INVALID, OPTION_INVALID */
export async function readStateDict(bytes: Uint8Array, path: string): Promise<StateDict> {
  if (Buffer.from(bytes.subarray(0, 4)).toString('latin1') === 'PK\x03\x04') return fromArchive(bytes, path);
  // the first eight bytes of safetensors are the length of the header, which may well begin with 0x80
  if (bytes[0] === 0x80 && bytes[8] !== 0x7b) {
    fail('IMPORT_INVALID', `${path} is a pickle of an old PyTorch, or of something else`, saving);
  }
  const { tensors, metadata } = readSafetensors(bytes, (what) => refuseFile(path, what));
  if ('recurrent-onnx' in metadata) {
    fail('OPTION_INVALID', `${path} is a checkpoint of this package already`, 'Export it: recurrent export.');
  }
  const found = [...tensors].map(([name, { dtype, shape, bytes }]) => {
    const type = typeOf(name, dtype, path);
    if (bytes.length !== type.bytes * sizeOf(shape))
      return refuseFile(path, `tensor ${name} does not have the size of its shape`);
    return { name, type, tensor: { shape, data: readNumbers(bytes, type.bytes, type.read) } };
  });
  return stateDictOf(found, path);
}

interface Found {
  readonly name: string;
  readonly type: NumberType;
  readonly tensor: Tensor;
}

function stateDictOf(found: readonly Found[], path: string): StateDict {
  if (found.length === 0) return refuseFile(path, 'holds no tensor');
  const others = new Set(found.map(({ type }) => type.name));
  others.delete('float32');
  return { tensors: new Map(found.map(({ name, tensor }) => [name, tensor])), types: [...others] };
}

function typeOf(name: string, type: string, path: string): NumberType {
  const known = Object.hasOwn(types, type) ? types[type] : undefined;
  return known ?? refuseFile(path, `tensor ${name} has type ${type}: weights are F32, F64, F16 or BF16`);
}

/** Under which training programs keep the state_dict beside other things. */
const wrappers = ['state_dict', 'model_state_dict', 'model'];

async function fromArchive(bytes: Uint8Array, path: string): Promise<StateDict> {
  const entries = await readZip(bytes, path, (name) => /^[^/]+\/(data\.pkl|byteorder|data\/\w+)$/.test(name));
  const pickleName = [...entries.keys()].find((name) => name.endsWith('/data.pkl'));
  if (pickleName === undefined) return refuseFile(path, 'is a zip archive without data.pkl, so none of PyTorch');
  const prefix = pickleName.slice(0, -'data.pkl'.length);
  const order = entries.get(`${prefix}byteorder`);
  if (order && Buffer.from(order).toString() !== 'little')
    return refuseFile(path, 'was written on a big-endian machine');
  const refuse = (what: string): never => fail('IMPORT_INVALID', `${path}: its pickle ${what}`, saving);
  let contents = readPickle(entries.get(pickleName) as Uint8Array, refuse);
  for (const wrapper of wrappers) {
    const inner = contents instanceof Map ? contents.get(wrapper) : undefined;
    if (inner instanceof Map) contents = inner;
  }
  if (!(contents instanceof Map)) return refuse('holds no state_dict');
  const found = [...contents].map(([name, value]): Found => {
    if (typeof name !== 'string' || !isTensor(value))
      return refuse(`holds more than tensors: ${String(name).slice(0, 100)}`);
    const storage = entries.get(`${prefix}data/${value.storage.key}`);
    if (!storage) return refuseFile(path, `has no data of ${name}`);
    const type = typeOf(name, value.storage.type, path);
    return { name, type, tensor: { shape: value.shape, data: gather(value, type, storage, name, path) } };
  });
  return stateDictOf(found, path);
}

/** The numbers of a window on a storage, row by row. */
function gather(
  tensor: PickledTensor,
  type: NumberType,
  storage: Uint8Array,
  name: string,
  path: string,
): Float32Array {
  const { shape, strides, offset } = tensor;
  const size = sizeOf(shape);
  const last = offset + shape.reduce((sum, length, axis) => sum + (length - 1) * (strides[axis] as number), 0);
  // no number stands twice: a stride of 0 would make a few bytes as long as anybody likes
  if (size > 0 && ((last + 1) * type.bytes > storage.length || size * type.bytes > storage.length)) {
    return refuseFile(path, `tensor ${name} [${shape}] reaches beyond its ${storage.length} bytes`);
  }
  const view = new DataView(storage.buffer, storage.byteOffset, storage.byteLength);
  const values = new Float32Array(size);
  const place = shape.map(() => 0);
  for (let index = 0, at = offset; index < size; index++) {
    values[index] = type.read(view, at * type.bytes);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const stride = strides[axis] as number;
      at += stride;
      place[axis] = (place[axis] as number) + 1;
      if ((place[axis] as number) < (shape[axis] as number)) break;
      at -= stride * (shape[axis] as number);
      place[axis] = 0;
    }
  }
  return values;
}
