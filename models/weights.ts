/** Weights of a model: float32 tensors under readable names such as `lstm/recurrent_kernel`. */
import { fail } from '../src/core/errors.ts';

/** Numbers with a shape. */
export interface Tensor {
  /** Sizes of the dimensions. */
  readonly shape: readonly number[];
  /** Row-major values. */
  readonly data: Float32Array;
}

/** In the order of the layers and, inside a layer, in Keras' order. */
export type Weights = ReadonlyMap<string, Tensor>;

export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, dimension) => product * dimension, 1);
}

/** A copy that shares no memory with `weights`. */
export function copyWeights(weights: Weights): Map<string, Tensor> {
  return new Map([...weights].map(([name, { shape, data }]) => [name, { shape, data: data.slice() }]));
}

/**
 * Checks that `weights` has exactly the tensors of `parameters`, of the right shapes and finite; float64 will do too.
 * @throws WEIGHTS_INVALID
 */
export function checkWeights(
  weights: ReadonlyMap<string, Pick<Tensor, 'shape'> & { readonly data: Float32Array | Float64Array }>,
  parameters: readonly { readonly name: string; readonly shape: readonly number[] }[],
): void {
  const hint = 'Use the weights that were saved with this spec.';
  for (const { name, shape } of parameters) {
    const tensor = weights.get(name);
    if (!tensor) fail('WEIGHTS_INVALID', `weight ${name} is missing`, hint);
    if (tensor.shape.join() !== shape.join() || tensor.data.length !== sizeOf(shape)) {
      fail('WEIGHTS_INVALID', `weight ${name} has shape [${tensor.shape}], the spec needs [${shape}]`, hint);
    }
    const bad = tensor.data.findIndex((value) => !Number.isFinite(value));
    if (bad >= 0) fail('WEIGHTS_INVALID', `weight ${name} has ${tensor.data[bad]} at position ${bad}`, hint);
  }
  if (weights.size !== parameters.length) {
    const known = new Set(parameters.map(({ name }) => name));
    const extra = [...weights.keys()].filter((name) => !known.has(name));
    fail('WEIGHTS_INVALID', `the spec has no weight ${extra.join(', ')}`, hint);
  }
}
