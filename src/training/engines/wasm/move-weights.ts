/**
 * One step of an optimiser over a range of weights, by the kernel that does it. Also runs in threads of engine
 * onnxruntime, from its source text: it uses nothing but its parameters.
 */
import type { OptimiserOptions, StepRates } from '../../optimisers.ts';
import type { Address, Kernels } from './kernels.ts';

/** Sizes in bytes, multiples of 16. */
export interface WeightRange {
  readonly weights: Address;
  /** Of the first of `shares` threads, which have theirs `stride` bytes apart: they are added up in order, and become zero. */
  readonly gradients: Address;
  readonly shares: number;
  readonly stride: number;
  /** In the order of `momentNames`. */
  readonly moments: readonly Address[];
  readonly bytes: number;
}

export function moveWeights(
  kernels: Kernels,
  optimiser: OptimiserOptions,
  { rate, epsilon }: StepRates,
  { weights, gradients, shares, stride, moments: [one = 0, two = 0], bytes }: WeightRange,
): void {
  if (optimiser.type === 'rmsprop') {
    kernels.rmsprop(weights, gradients, shares, stride, one, bytes, rate, 1 - optimiser.rho, epsilon);
  } else if (optimiser.type !== 'sgd') {
    const { beta1, beta2 } = optimiser;
    kernels.adam(weights, gradients, shares, stride, one, two, bytes, rate, 1 - beta1, 1 - beta2, epsilon);
  } else if (optimiser.momentum === 0) {
    kernels.sgd(weights, gradients, shares, stride, bytes, rate);
  } else {
    const { momentum, nesterov } = optimiser;
    kernels.momentumSgd(weights, gradients, shares, stride, one, bytes, rate, momentum, nesterov ? 1 : 0);
  }
}
