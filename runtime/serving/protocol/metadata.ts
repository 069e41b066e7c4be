/** What the protocol tells of a server and of a model. */
import { producer } from '../../../models/metadata/producer.ts';
import type { ServedModel } from '../served-model.ts';

export const serverMetadata = {
  name: producer.name,
  version: producer.version,
  extensions: ['binary_tensor_data', 'classification', 'model_repository', 'sequence'],
} as const;

export interface TensorMetadata {
  readonly name: string;
  readonly datatype: string;
  /** −1 is any number. */
  readonly shape: readonly number[];
}

export interface ModelMetadata {
  readonly name: string;
  readonly versions: readonly string[];
  readonly platform: string;
  /** Alternatives: a request gives one of them. */
  readonly inputs: readonly TensorMetadata[];
  readonly outputs: readonly TensorMetadata[];
}

export function modelMetadata({ name, plan }: ServedModel, versions: readonly number[]): ModelMetadata {
  const { outputs } = plan.head;
  return {
    name,
    versions: versions.map(String),
    platform: 'onnxruntime_onnx',
    inputs: [
      { name: 'text', datatype: 'BYTES', shape: [-1] },
      { name: 'ids', datatype: 'INT32', shape: [-1, -1] },
    ],
    outputs: [
      { name: 'label', datatype: 'BYTES', shape: [-1] },
      { name: 'probability', datatype: 'FP32', shape: [-1] },
      { name: 'probabilities', datatype: 'FP32', shape: [-1, outputs] },
      { name: 'logits', datatype: 'FP32', shape: [-1, outputs] },
    ],
  };
}
