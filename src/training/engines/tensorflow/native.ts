/**
 * TensorFlow's own operations, by name, through the native backend of tfjs-node: what TensorFlow.js has no function for.
 * https://www.tensorflow.org/api_docs/python/tf/raw_ops lists them.
 */
import type { DataType, Tensor } from '@tensorflow/tfjs-core';

type Core = Pick<typeof import('@tensorflow/tfjs-core'), 'backend' | 'getBackend'>;

type AttributeKind = 'TF_ATTR_TYPE' | 'TF_ATTR_FLOAT' | 'TF_ATTR_BOOL' | 'TF_ATTR_STRING' | 'TF_ATTR_SHAPE';

interface Attribute {
  readonly name: string;
  readonly type: number;
  readonly value: unknown;
}

/** What of the backend's class is used here. */
interface NativeBackend {
  readonly isUsingGpuDevice: boolean;
  readonly binding: Readonly<Record<AttributeKind | 'TF_FLOAT' | 'TF_INT32' | 'TF_INT64', number>> & {
    readonly TF_Version: string;
    createTensor(shape: readonly number[], dtype: number, values: Int32Array): number;
    executeOp(name: string, attributes: readonly Attribute[], inputIds: readonly number[], outputs: number): Held[];
  };
  getInputTensorIds(tensors: readonly Tensor[]): number[];
  createOutputTensor(held: Held): Tensor;
}

/** A tensor in the library. */
interface Held {
  readonly id: number;
  readonly shape: readonly number[];
  /** Of TensorFlow's enumeration. */
  readonly dtype: number;
}

/** TF_INT8 of tensorflow/c/tf_datatype.h, which the binding does not name. */
const int8 = 6;

/** The native backend, if that is the one which runs. */
export function nativeBackend(tf: Core): NativeBackend | undefined {
  const backend: unknown = tf.backend();
  return tf.getBackend() === 'tensorflow' ? (backend as NativeBackend) : undefined;
}

/** Operations of TensorFlow on float32. */
export interface NativeOps {
  /** An output of int8, which TensorFlow.js does not know, is called int32: it is only to be given to `run` again. */
  run(name: string, attributes: Attributes, inputs: readonly Tensor[], outputs: number): Tensor[];
  /** A scalar of 64 bits, which TensorFlow.js does not know: only to be given to `run`. */
  int64(value: number): Tensor;
}

/** Values by name; their kind follows from the value. */
export type Attributes = Readonly<
  Record<string, Extract<DataType, 'float32' | 'int32'> | boolean | number | readonly number[] | Text>
>;

/** A string attribute. */
export interface Text {
  readonly text: string;
}

export function nativeOps(tf: Core): NativeOps | undefined {
  const backend = nativeBackend(tf);
  if (!backend) return undefined;
  const { binding } = backend;

  function attributeOf([name, value]: [string, Attributes[string]]): Attribute {
    if (value === 'float32') return { name, type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT };
    if (value === 'int32') return { name, type: binding.TF_ATTR_TYPE, value: binding.TF_INT32 };
    if (typeof value === 'boolean') return { name, type: binding.TF_ATTR_BOOL, value };
    if (typeof value === 'number') return { name, type: binding.TF_ATTR_FLOAT, value };
    if ('text' in value) return { name, type: binding.TF_ATTR_STRING, value: value.text };
    return { name, type: binding.TF_ATTR_SHAPE, value };
  }

  return {
    run: (name, attributes, inputs, outputs) => {
      const ids = backend.getInputTensorIds(inputs);
      const held = binding.executeOp(name, Object.entries(attributes).map(attributeOf), ids, outputs);
      return held.map((one) =>
        backend.createOutputTensor(one.dtype === int8 ? { ...one, dtype: binding.TF_INT32 } : one),
      );
    },
    int64: (value) => {
      const words = Int32Array.of(value, 0); // little-endian, as every processor that TensorFlow runs on
      const id = binding.createTensor([], binding.TF_INT64, words);
      return backend.createOutputTensor({ id, shape: [], dtype: binding.TF_INT32 });
    },
  };
}
