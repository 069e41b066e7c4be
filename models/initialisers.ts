/**
 * Starting weights by the rules of Keras or PyTorch, from the counter-based generator: each parameter has its own stream, so
 * a weight's start depends on the seed and on its place in the model only.
 *
 * Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010;
 * Saxe, McClelland and Ganguli, "Exact solutions to the nonlinear dynamics of learning in deep linear
 * neural networks", 2014 (orthogonal).
 */
import { createRandom, type Random } from '../src/core/random.ts';
import type { Initialiser, ModelPlan } from './plan.ts';
import { sizeOf, type Weights } from './weights.ts';

type Fill = (shape: readonly number[], random: Random) => Float32Array;

const fills = {
  zeros: (shape) => new Float32Array(sizeOf(shape)),
  embeddingUniform: (shape, random) => uniform(shape, 0.05, random),
  glorotUniform: (shape, random) => {
    const [inputs, outputs] = shape as [number, number];
    return uniform(shape, Math.sqrt(6 / (inputs + outputs)), random);
  },
  orthogonal: (shape, random) => orthogonal(shape as [number, number], random),
  forgetBiasOne: (shape) => {
    const bias = new Float32Array(sizeOf(shape)); // [4 · units], or [2, 4 · units]
    const units = (shape.at(-1) as number) / 4;
    return bias.fill(1, units, 2 * units);
  },
  standardNormal: (shape, random) => Float32Array.from({ length: sizeOf(shape) }, () => random.normal()),
} as const satisfies Record<Extract<Initialiser, string>, Fill>;

/** Starting weights of a model. The same seed gives the same bytes. */
export function initialWeights(plan: ModelPlan, seed: number): Weights {
  return new Map(
    plan.parameters.map(({ name, shape, initialiser }, stream) => {
      const random = createRandom({ seed, purpose: 'initialise', stream });
      const data =
        typeof initialiser === 'string' ? fills[initialiser](shape, random) : uniform(shape, initialiser.bound, random);
      return [name, { shape, data }];
    }),
  );
}

function uniform(shape: readonly number[], limit: number, random: Random): Float32Array {
  return Float32Array.from({ length: sizeOf(shape) }, () => (2 * random.uniform() - 1) * limit);
}

/**
 * A matrix [rows, columns] whose shorter side is orthonormal: the Q of a normal matrix whose R has a positive
 * diagonal, by Gram–Schmidt, done twice so that the result is orthogonal to working precision.
 */
function orthogonal([rows, columns]: readonly [number, number], random: Random): Float32Array {
  const length = Math.max(rows, columns);
  const count = Math.min(rows, columns);
  const vectors = Array.from({ length: count }, () => Float64Array.from({ length }, () => random.normal()));
  vectors.forEach((vector, k) => {
    for (let pass = 0; pass < 2; pass++) {
      for (let j = 0; j < k; j++) subtractProjection(vector, vectors[j] as Float64Array);
    }
    const norm = Math.sqrt(dot(vector, vector));
    for (let i = 0; i < length; i++) vector[i] = (vector[i] as number) / norm;
  });
  const at = (row: number, column: number) =>
    (rows < columns ? vectors[row]?.[column] : vectors[column]?.[row]) as number;
  return Float32Array.from({ length: rows * columns }, (_, i) => at(Math.floor(i / columns), i % columns));
}

function subtractProjection(vector: Float64Array, unit: Float64Array): void {
  const along = dot(vector, unit);
  for (let i = 0; i < vector.length; i++) vector[i] = (vector[i] as number) - along * (unit[i] as number);
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}
