/**
 * Optimisers over all weights of a model at once, which lie one after another, as do their gradients and moments:
 * the formulas of `src/training/optimisers.ts`, in one walk through memory. Each thread has gradients of its own; the
 * walk adds them up, always in the same order, and leaves zeros for the next step.
 */
import { add, GRADIENT_GRAIN, mul, multiplyAdd, SQUARE_GRAIN, sub, VECTOR, withoutTraces, ZERO } from './lanes';

/** The sum of the gradients at `at`, at + stride, … of `shares` threads, which become zero. */
@inline
function takeGradient(at: usize, shares: i32, stride: usize): v128 {
  let sum = v128.load(at);
  v128.store(at, ZERO);
  for (let share = 1; share < shares; share++) {
    at += stride;
    sum = add(sum, v128.load(at));
    v128.store(at, ZERO);
  }
  return sum;
}

/** @param rate with the corrections for the step; beta1Rest = 1 − β₁, beta2Rest = 1 − β₂ */
export function adam(
  weights: usize,
  gradients: usize,
  shares: i32,
  stride: usize,
  means: usize,
  variances: usize,
  bytes: usize,
  rate: f32,
  beta1Rest: f32,
  beta2Rest: f32,
  epsilon: f32,
): void {
  const a = f32x4.splat(rate);
  const b1 = f32x4.splat(beta1Rest);
  const b2 = f32x4.splat(beta2Rest);
  const e = f32x4.splat(epsilon);
  for (let i: usize = 0; i < bytes; i += VECTOR) {
    const g = takeGradient(gradients + i, shares, stride);
    const m = v128.load(means + i);
    const v = v128.load(variances + i);
    const mean = withoutTraces(multiplyAdd(sub(g, m), b1, m), GRADIENT_GRAIN);
    const variance = withoutTraces(multiplyAdd(sub(mul(g, g), v), b2, v), SQUARE_GRAIN);
    v128.store(means + i, mean);
    v128.store(variances + i, variance);
    const move = f32x4.div(mul(a, mean), add(f32x4.sqrt(variance), e));
    v128.store(weights + i, sub(v128.load(weights + i), move));
  }
}

export function sgd(weights: usize, gradients: usize, shares: i32, stride: usize, bytes: usize, rate: f32): void {
  const a = f32x4.splat(rate);
  for (let i: usize = 0; i < bytes; i += VECTOR) {
    const g = takeGradient(gradients + i, shares, stride);
    v128.store(weights + i, sub(v128.load(weights + i), mul(a, g)));
  }
}

export function momentumSgd(
  weights: usize,
  gradients: usize,
  shares: i32,
  stride: usize,
  velocities: usize,
  bytes: usize,
  rate: f32,
  momentum: f32,
  nesterov: i32,
): void {
  const a = f32x4.splat(rate);
  const u = f32x4.splat(momentum);
  for (let i: usize = 0; i < bytes; i += VECTOR) {
    const pull = mul(a, takeGradient(gradients + i, shares, stride));
    const speed = withoutTraces(sub(mul(u, v128.load(velocities + i)), pull), GRADIENT_GRAIN);
    v128.store(velocities + i, speed);
    const move = nesterov ? sub(mul(u, speed), pull) : speed;
    v128.store(weights + i, add(v128.load(weights + i), move));
  }
}

/** @param rhoRest 1 − ρ */
export function rmsprop(
  weights: usize,
  gradients: usize,
  shares: i32,
  stride: usize,
  variances: usize,
  bytes: usize,
  rate: f32,
  rhoRest: f32,
  epsilon: f32,
): void {
  const a = f32x4.splat(rate);
  const r = f32x4.splat(rhoRest);
  const e = f32x4.splat(epsilon);
  for (let i: usize = 0; i < bytes; i += VECTOR) {
    const g = takeGradient(gradients + i, shares, stride);
    const v = v128.load(variances + i);
    const variance = withoutTraces(multiplyAdd(sub(mul(g, g), v), r, v), SQUARE_GRAIN);
    v128.store(variances + i, variance);
    const move = f32x4.div(mul(a, g), f32x4.sqrt(add(variance, e)));
    v128.store(weights + i, sub(v128.load(weights + i), move));
  }
}
