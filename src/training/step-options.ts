/** What an engine does to the loss and to the gradient of a step, beside their plain form. Keras' forms throughout. */
import type { ParameterSpec } from '../../models/plan.ts';

/** Every engine says of each name whether it honours it (`EngineProvider.honours`). */
export type StepOption = 'classWeights' | 'l2' | 'globalClipNorm' | 'clipValue';

export interface StepOptions {
  /** Of each class: the loss and the gradient of its rows times this. The mean is still over the rows. */
  readonly classWeights?: readonly number[] | undefined;
  /** λ by name of parameter: λ Σ w² is added to the loss, 2 λ w to the gradient. */
  readonly l2?: ReadonlyMap<string, number> | undefined;
  /** All gradients together are scaled down to this length, if they are longer. */
  readonly globalClipNorm?: number | undefined;
  /** Each value of a gradient is cut off at ± this. Not together with `globalClipNorm`. */
  readonly clipValue?: number | undefined;
}

/** Those that are given. */
export function stepOptionsIn(options: StepOptions): readonly StepOption[] {
  const names: readonly StepOption[] = ['classWeights', 'l2', 'globalClipNorm', 'clipValue'];
  return names.filter((name) => options[name] !== undefined);
}

/** Whether they change the gradients of the loss. */
export function adjustsGradients({ l2, globalClipNorm, clipValue }: StepOptions): boolean {
  return l2 !== undefined || globalClipNorm !== undefined || clipValue !== undefined;
}

interface Adjusted {
  readonly name: string;
  readonly weight: Float32Array;
  /** Changed in place. */
  readonly gradient: Float32Array;
}

/**
 * Adds the gradient of the penalty, then clips: by the global norm, as `optimizer.global_clipnorm` does, or by value.
 * @returns the penalty, which the loss gains
 */
export function adjustGradients(options: StepOptions, parameters: readonly Adjusted[]): number {
  const { l2, globalClipNorm, clipValue } = options;
  for (const { name, weight, gradient } of parameters) {
    const factor = 2 * (l2?.get(name) ?? 0);
    if (factor === 0) continue;
    for (let i = 0; i < gradient.length; i++) gradient[i] = (gradient[i] as number) + factor * (weight[i] as number);
  }
  if (globalClipNorm !== undefined) {
    const norm = Math.sqrt(parameters.reduce((sum, { gradient }) => sum + squareSum(gradient), 0));
    const scale = globalClipNorm / Math.max(norm, globalClipNorm);
    // not when the norm is NaN: the gradients are too, and the next loss tells
    if (scale < 1) for (const { gradient } of parameters) scaleBy(gradient, scale);
  }
  if (clipValue !== undefined) for (const { gradient } of parameters) cutOff(gradient, clipValue);
  return penaltyOf(options, (name) => parameters.find((one) => one.name === name)?.weight ?? new Float32Array(0));
}

/** Σ λ w² over the parameters that have a λ. */
export function penaltyOf({ l2 }: StepOptions, weightOf: (name: string) => Float32Array): number {
  return [...(l2 ?? [])].reduce((sum, [name, factor]) => sum + factor * squareSum(weightOf(name)), 0);
}

function squareSum(values: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += (values[i] as number) ** 2;
  return sum;
}

function scaleBy(values: Float32Array, factor: number): void {
  for (let i = 0; i < values.length; i++) values[i] = (values[i] as number) * factor;
}

function cutOff(values: Float32Array, most: number): void {
  for (let i = 0; i < values.length; i++) values[i] = Math.min(Math.max(values[i] as number, -most), most);
}

/** Kinds of parameters that a penalty can be on; biases have none. */
const kinds = { kernel: '/kernel', recurrentKernel: '/recurrent_kernel', embeddings: '/embeddings' } as const;

export type PenalisedKind = keyof typeof kinds;

/** The parameters of one kind. */
export function parametersOf(kind: PenalisedKind, parameters: readonly ParameterSpec[]): readonly string[] {
  return parameters.flatMap(({ name }) => (name.endsWith(kinds[kind]) ? [name] : []));
}
