/**
 * Optimisers, applied in place, over flat float32 arrays. Engines that update elsewhere must give the same numbers.
 */
import { z } from 'zod';
import type { ParameterSpec } from '../../models/plan.ts';
import { sizeOf } from '../../models/weights.ts';

/** How weights are updated, with the settings of Keras or PyTorch where they are left out. */
export type OptimiserInput = AdamInput | RmspropInput | SgdInput;

interface AdamInput {
  /** As in Keras, or as in PyTorch, which adds ε to the corrected √v. */
  readonly type: 'adam' | 'adam-pytorch';
  /** Decay of the first moment. Default: 0.9. */
  readonly beta1?: number | undefined;
  /** Decay of the second moment. Default: 0.999. */
  readonly beta2?: number | undefined;
  /** Added to √v. Default: 1e-7, of `adam-pytorch` 1e-8. */
  readonly epsilon?: number | undefined;
}

interface RmspropInput {
  /** As in Keras, without momentum. */
  readonly type: 'rmsprop';
  /** Decay of the second moment. Default: 0.9. */
  readonly rho?: number | undefined;
  /** Added to v. Default: 1e-7. */
  readonly epsilon?: number | undefined;
}

interface SgdInput {
  /** Gradient descent. */
  readonly type: 'sgd';
  /** Share of the last move that is made again. Default: 0. */
  readonly momentum?: number | undefined;
  /** Nesterov's momentum. Default: false. */
  readonly nesterov?: boolean | undefined;
}

const fraction = z.number().min(0).lt(1);
/** As a float32 it must not be 0: a weight without a gradient would be divided by it. */
const epsilon = z.number().min(1e-30);

export const optimiserSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('adam'),
    beta1: fraction.default(0.9),
    beta2: fraction.default(0.999),
    epsilon: epsilon.default(1e-7),
  }),
  // as torch.optim.Adam
  z.strictObject({
    type: z.literal('adam-pytorch'),
    beta1: fraction.default(0.9),
    beta2: fraction.default(0.999),
    epsilon: epsilon.default(1e-8),
  }),
  z.strictObject({ type: z.literal('rmsprop'), rho: fraction.default(0.9), epsilon: epsilon.default(1e-7) }),
  z.strictObject({ type: z.literal('sgd'), momentum: fraction.default(0), nesterov: z.boolean().default(false) }),
]);

/** An optimiser with every default filled in. */
export type OptimiserOptions = Readonly<z.output<typeof optimiserSchema>>;

/** As Keras' `Adam`. */
export const adam: OptimiserOptions = { type: 'adam', beta1: 0.9, beta2: 0.999, epsilon: 1e-7 };
export const sgd: OptimiserOptions = { type: 'sgd', momentum: 0, nesterov: false };

/** What an optimiser remembers between steps. */
export interface OptimiserState {
  /** Updates done so far. */
  readonly step: number;
  /** By kind of moment, then by name of weight: `adam` has m and v, `rmsprop` v, `sgd` with momentum velocity. */
  readonly moments: ReadonlyMap<string, ReadonlyMap<string, Float32Array>>;
}

/** Names of the moments that each optimiser keeps. */
export function momentNames(options: OptimiserOptions): readonly string[] {
  switch (options.type) {
    case 'adam':
    case 'adam-pytorch':
      return ['m', 'v'];
    case 'rmsprop':
      return ['v'];
    case 'sgd':
      return options.momentum > 0 ? ['velocity'] : [];
  }
}

export interface StepRates {
  /** By what a step's direction is multiplied. */
  readonly rate: number;
  /** What Adam adds to √v, and RMSprop to v; 0 of others. */
  readonly epsilon: number;
}

/**
 * What depends on the step alone. Adam's rate corrects for moments that began at zero: α√(1 − β₂ᵗ)/(1 − β₁ᵗ). Keras adds ε
 * to √v as it is, PyTorch to the corrected √v/√(1 − β₂ᵗ), which is ε√(1 − β₂ᵗ) beside √v: up to 30 times less at first.
 *
 * @param step updates done including this one, from 1
 */
export function ratesOf(options: OptimiserOptions, learningRate: number, step: number): StepRates {
  if (options.type === 'sgd') return { rate: learningRate, epsilon: 0 };
  if (options.type === 'rmsprop') return { rate: learningRate, epsilon: options.epsilon };
  const { beta1, beta2, epsilon } = options;
  const correction = Math.sqrt(1 - beta2 ** step);
  return {
    rate: (learningRate * correction) / (1 - beta1 ** step),
    epsilon: options.type === 'adam-pytorch' ? epsilon * correction : epsilon,
  };
}

/**
 * One update of one weight, in place.
 *
 * Adam: m ← m + (g − m)(1 − β₁), v ← v + (g² − v)(1 − β₂), w ← w − rate · m/(√v + ε), both of `ratesOf`.
 * RMSprop, as Keras: v ← v + (g² − v)(1 − ρ), w ← w − αg/√(v + ε).
 * SGD: u ← μu − αg, w ← w + u, or w + μu − αg with Nesterov's momentum; without momentum w ← w − αg.
 *
 * @param step updates done including this one, from 1
 * @param moments in the order of `momentNames`
 */
export function updateWeight(
  options: OptimiserOptions,
  learningRate: number,
  step: number,
  weight: Float32Array,
  gradient: Float32Array,
  moments: readonly Float32Array[],
): void {
  const [one, two] = moments as [Float32Array, Float32Array];
  switch (options.type) {
    case 'adam':
    case 'adam-pytorch':
      adamUpdate(options, ratesOf(options, learningRate, step), weight, gradient, one, two);
      break;
    case 'rmsprop':
      rmspropUpdate(options, learningRate, weight, gradient, one);
      break;
    case 'sgd':
      if (options.momentum === 0) sgdUpdate(learningRate, weight, gradient);
      else momentumUpdate(options, learningRate, weight, gradient, one);
  }
}

type Of<T extends OptimiserOptions['type']> = Extract<OptimiserOptions, { type: T }>;

function adamUpdate(
  { beta1, beta2 }: Of<'adam' | 'adam-pytorch'>,
  { rate, epsilon }: StepRates,
  weight: Float32Array,
  gradient: Float32Array,
  m: Float32Array,
  v: Float32Array,
): void {
  for (let i = 0; i < weight.length; i++) {
    const g = gradient[i] as number;
    const mean = (m[i] as number) + (g - (m[i] as number)) * (1 - beta1);
    const variance = (v[i] as number) + (g * g - (v[i] as number)) * (1 - beta2);
    m[i] = mean;
    v[i] = variance;
    weight[i] = (weight[i] as number) - (rate * mean) / (Math.sqrt(variance) + epsilon);
  }
}

function rmspropUpdate(
  { rho, epsilon }: Of<'rmsprop'>,
  rate: number,
  weight: Float32Array,
  gradient: Float32Array,
  v: Float32Array,
): void {
  for (let i = 0; i < weight.length; i++) {
    const g = gradient[i] as number;
    const variance = (v[i] as number) + (g * g - (v[i] as number)) * (1 - rho);
    v[i] = variance;
    weight[i] = (weight[i] as number) - (rate * g) / Math.sqrt(variance + epsilon);
  }
}

function sgdUpdate(rate: number, weight: Float32Array, gradient: Float32Array): void {
  for (let i = 0; i < weight.length; i++) weight[i] = (weight[i] as number) - rate * (gradient[i] as number);
}

function momentumUpdate(
  { momentum, nesterov }: Of<'sgd'>,
  rate: number,
  weight: Float32Array,
  gradient: Float32Array,
  velocity: Float32Array,
): void {
  for (let i = 0; i < weight.length; i++) {
    const pull = rate * (gradient[i] as number);
    const speed = momentum * (velocity[i] as number) - pull;
    velocity[i] = speed;
    weight[i] = (weight[i] as number) + (nesterov ? momentum * speed - pull : speed);
  }
}

/** Moments of no update yet: zeros. */
export function newMoments(
  options: OptimiserOptions,
  parameters: readonly ParameterSpec[],
): ReadonlyMap<string, ReadonlyMap<string, Float32Array>> {
  return new Map(
    momentNames(options).map((kind) => [
      kind,
      new Map(parameters.map(({ name, shape }) => [name, new Float32Array(sizeOf(shape))])),
    ]),
  );
}

export function copyMoments(moments: OptimiserState['moments']): OptimiserState['moments'] {
  return new Map(
    [...moments].map(([kind, byName]) => [kind, new Map([...byName].map(([name, data]) => [name, data.slice()]))]),
  );
}
