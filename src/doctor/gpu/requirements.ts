/**
 * Which versions fit together. The sources stand in docs/gpu.md, whose table and whose Dockerfile are held equal to
 * this one by a test.
 */
export interface Requirement {
  /** The package, and which build of its library. */
  readonly package: string;
  readonly version: string;
  /** Least version of CUDA; the first number must be the same. */
  readonly cuda: string;
  /** Least version of cuDNN; the first number must be the same. */
  readonly cudnn: string;
  /** Least version of NVIDIA's driver. */
  readonly driver: string;
  /** By the names under which they are asked for. The first tells the version of CUDA, the last that of cuDNN. */
  readonly libraries: readonly string[];
}

export const requirements = {
  onnxruntimeCuda12: {
    ...{ package: 'onnxruntime-node', version: '1.30', cuda: '12', cudnn: '9', driver: '525' },
    libraries: [
      'libcudart.so.12',
      'libcublas.so.12',
      'libcublasLt.so.12',
      'libcufft.so.11',
      'libcurand.so.10',
      'libcudnn.so.9',
    ],
  },
  onnxruntimeCuda13: {
    ...{ package: 'onnxruntime-gpu', version: '1.30.0', cuda: '13', cudnn: '9', driver: '580' },
    libraries: [
      'libcudart.so.13',
      'libcublas.so.13',
      'libcublasLt.so.13',
      'libcufft.so.12',
      'libcurand.so.10',
      'libcudnn.so.9',
    ],
  },
  tensorflow2_9: {
    ...{ package: '@tensorflow/tfjs-node-gpu', version: '4.22', cuda: '11.2', cudnn: '8.1', driver: '450.80.02' },
    libraries: [
      ...['libcudart.so.11.0', 'libcublas.so.11', 'libcublasLt.so.11', 'libcufft.so.10', 'libcurand.so.10'],
      ...['libcusolver.so.11', 'libcusparse.so.11', 'libcudnn.so.8'],
    ],
  },
  tensorflow2_21: {
    ...{ package: 'tensorflow', version: '2.21.0', cuda: '12.5', cudnn: '9.3', driver: '525' },
    libraries: [
      ...['libcudart.so.12', 'libcublas.so.12', 'libcublasLt.so.12', 'libcufft.so.11', 'libcurand.so.10'],
      ...['libcusolver.so.11', 'libcusparse.so.12', 'libcudnn.so.9'],
    ],
  },
} as const satisfies Record<string, Requirement>;
