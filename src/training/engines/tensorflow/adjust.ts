/** Penalty and clipping in TensorFlow's operations: what `adjustGradients` does to arrays. */
import type { Tensor } from '@tensorflow/tfjs-core';
import { adjustsGradients, type StepOptions } from '../../step-options.ts';
import type { Tensorflow } from './backend.ts';
import type { Variables } from './variables.ts';

type Gradients = ReadonlyMap<string, Tensor>;

/** Call inside `tf.tidy`. @param gradients by name; none: zero */
export function adjust(
  tf: Tensorflow,
  options: StepOptions,
  variables: Variables,
  gradients: Gradients,
): { readonly gradients: Gradients; readonly penalty: number } {
  if (!adjustsGradients(options)) return { gradients, penalty: 0 };
  const { globalClipNorm, clipValue } = options;
  const penalised = addPenalty(tf, options, variables, gradients);
  let adjusted: Gradients = penalised.gradients;
  if (globalClipNorm !== undefined) {
    const norm = lengthOf(tf, [...adjusted.values()]);
    const scale = globalClipNorm / Math.max(norm, globalClipNorm);
    if (scale < 1) adjusted = each(adjusted, (gradient) => tf.mul(gradient, scale));
  }
  if (clipValue !== undefined) adjusted = each(adjusted, (gradient) => tf.clipByValue(gradient, -clipValue, clipValue));
  return { gradients: adjusted, penalty: penalised.penalty };
}

function addPenalty(tf: Tensorflow, { l2 }: StepOptions, variables: Variables, gradients: Gradients) {
  const moved = new Map(gradients);
  let penalty = 0;
  for (const [name, factor] of l2 ?? []) {
    const weight = variables.get(name)?.read();
    if (weight === undefined || factor === 0) continue;
    const pull = tf.mul(weight, 2 * factor);
    const gradient = gradients.get(name);
    moved.set(name, gradient ? tf.add(gradient, pull) : pull);
    penalty += factor * squareSum(tf, [weight]);
  }
  return { gradients: moved, penalty };
}

/** Squares of what is above 1.8e19 are no float32: then of the same numbers, so much smaller. */
function lengthOf(tf: Tensorflow, gradients: readonly Tensor[]): number {
  const squares = squareSum(tf, gradients);
  if (Number.isFinite(squares)) return Math.sqrt(squares);
  const less = 2 ** -70;
  const smaller = gradients.map((gradient) => tf.mul(gradient, less));
  return Math.sqrt(squareSum(tf, smaller)) / less;
}

function squareSum(tf: Tensorflow, tensors: readonly Tensor[]): number {
  return tensors.reduce((sum, tensor) => sum + (tf.sum(tf.square(tensor)).dataSync<'float32'>()[0] as number), 0);
}

function each(gradients: Gradients, change: (gradient: Tensor) => Tensor): Gradients {
  return new Map([...gradients].map(([name, gradient]) => [name, change(gradient)]));
}
