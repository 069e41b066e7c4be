/** The C++ binding of tfjs-node, watched: every operation of TensorFlow goes through it. */
import type { Tensorflow } from '../../src/training/engines/tensorflow/backend.ts';
import { nativeBackend } from '../../src/training/engines/tensorflow/native.ts';

/** A tensor in the library. */
export interface Held {
  readonly id: number;
  readonly shape: readonly number[];
  readonly dtype: number;
}

export interface Attribute {
  readonly name: string;
  readonly type: number;
  readonly value: unknown;
}

export interface Binding {
  readonly TF_FLOAT: number;
  readonly TF_INT32: number;
  readonly TF_ATTR_TYPE: number;
  createTensor(shape: readonly number[], dtype: number, values: Float32Array | Int32Array): number;
  tensorDataSync(id: number): Float32Array;
  executeOp(name: string, attributes: readonly Attribute[], ids: readonly number[], outputs: number): Held[];
}

export type Changes = Partial<Pick<Binding, 'createTensor' | 'executeOp'>>;

/** Replaces functions of the binding, which are read-only, until `end`. */
export function changeBinding(tf: Tensorflow, change: (real: Binding) => Changes): { readonly end: () => void } {
  const backend = nativeBackend(tf) as unknown as { binding: Binding };
  const real = backend.binding;
  const changes = { executeOp: real.executeOp, ...change(real) };
  const properties = Object.entries(changes).map(([name, value]) => [name, { value, writable: true }]);
  backend.binding = Object.create(real, Object.fromEntries(properties));
  return {
    end: () => {
      backend.binding = real;
    },
  };
}

/** The names of the operations that TensorFlow runs in `use`, with `, is_training` if they do. A changed binding stays the same one. */
export async function operationsOf(tf: Tensorflow, use: () => Promise<unknown> | unknown): Promise<string[]> {
  const current = () => (nativeBackend(tf) as unknown as { binding: { executeOp: Binding['executeOp'] } }).binding;
  const isChanged = Object.getOwnPropertyDescriptor(current(), 'executeOp')?.writable;
  const changed = isChanged ? undefined : changeBinding(tf, () => ({}));
  const binding = current();
  const { executeOp } = binding;
  const names: string[] = [];
  binding.executeOp = (name, attributes, ...rest) => {
    const trains = attributes.some((one) => one.name === 'is_training' && one.value === true);
    names.push(trains ? `${name}, is_training` : name);
    return executeOp(name, attributes, ...rest);
  };
  try {
    await use();
  } finally {
    binding.executeOp = executeOp;
    changed?.end();
  }
  return names;
}
