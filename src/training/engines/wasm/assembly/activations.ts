/**
 * Activations over ranges of memory, and their derivatives as functions of the output y. The codes are the places in
 * `models/activations.ts`, whose constants are repeated here: the contract suite holds every one to the reference.
 */
import { add, mul, multiplyAdd, one, spread, sub, VECTOR, ZERO } from './lanes';

export const TANH = 0;
export const SIGMOID = 1;
const RELU = 2;
const HARD_SIGMOID = 3;
const HARD_SIGMOID_LEGACY = 4;
const SOFTSIGN = 5;
const SOFTPLUS = 6;
const ELU = 7;
const LEAKY_RELU = 8;
const THRESHOLDED_RELU = 9;
const SCALED_TANH = 10;

/** Of P and Q below, in rising order; the largest x² that they are asked for, the largest and the least result. */
const TANH_P: usize = memory.data<f32>([
  0.9999999139093542, 0.13379244607248209, 0.0034937554219502467, 2.058981248800306e-5, 1.3348178765882518e-8,
]);
const TANH_Q: usize = memory.data<f32>([
  1, 0.46712544281210583, 0.02586928798978245, 0.0003283110648264341, 7.769632884455509e-7,
]);
const TANH_ENDS: usize = memory.data<f32>([100, 1, -1]);

/** The same for ½ tanh(x/2): P(x²/4)/4 and Q(x²/4). Powers of two, so nothing is rounded anew. */
const SIGMOID_P: usize = memory.data<f32>([
  0.9999999139093542 / 4, 0.13379244607248209 / 16, 0.0034937554219502467 / 64, 2.058981248800306e-5 / 256,
  1.3348178765882518e-8 / 1024,
]);
const SIGMOID_Q: usize = memory.data<f32>([
  1, 0.46712544281210583 / 4, 0.02586928798978245 / 16, 0.0003283110648264341 / 64, 7.769632884455509e-7 / 256,
]);
const SIGMOID_ENDS: usize = memory.data<f32>([400, 0.5, -0.5]);
const HALF: usize = memory.data<f32>([0.5]);

/**
 * x · P(x²)/Q(x²), held between its ends. One division and no exponential. `pmin` and `pmax` are one instruction each,
 * and let NaN through.
 *
 * The quotient passes 1 before x² is held, and grows with x from there, so that what is saturated is exactly 1 and its
 * slope, 1 − y², exactly 0. A unit in the last place of 1 would leave a slope of 1e-7, which 100 steps of a loop that
 * amplifies, as a forget gate of scaledTanh does by up to 1.7, turn into 1e16.
 */
@inline
function rational(x: v128, ends: usize, p: usize, q: usize): v128 {
  const z = f32x4.pmin(mul(x, x), spread(ends, 0));
  let above = spread(p, 4);
  let below = spread(q, 4);
  above = multiplyAdd(above, z, spread(p, 3));
  below = multiplyAdd(below, z, spread(q, 3));
  above = multiplyAdd(above, z, spread(p, 2));
  below = multiplyAdd(below, z, spread(q, 2));
  above = multiplyAdd(above, z, spread(p, 1));
  below = multiplyAdd(below, z, spread(q, 1));
  above = multiplyAdd(above, z, spread(p, 0));
  below = multiplyAdd(below, z, spread(q, 0));
  return f32x4.pmax(f32x4.pmin(f32x4.div(mul(x, above), below), spread(ends, 1)), spread(ends, 2));
}

/**
 * The coefficients are those of least largest error (`tools/fit-tanh.py`): 3.3e-8 in exact arithmetic; 3.4e-7 in
 * float32, absolute and relative, as the last roundings weigh more.
 */
@inline
function tanh(x: v128): v128 {
  return rational(x, TANH_ENDS, TANH_P, TANH_Q);
}

/** 1/(1 + e⁻ˣ) = ½ + ½ tanh(x/2) */
@inline
function sigmoid(x: v128): v128 {
  return add(spread(HALF, 0), rational(x, SIGMOID_ENDS, SIGMOID_P, SIGMOID_Q));
}

/** Bounds of the argument, the shifter, log₂ e, and ln 2 in two parts. */
const EXP: usize = memory.data<f32>([88, -87, 12582912, 1.4426950408889634, 0.693359375, -0.00021219444005469057]);
/** 1/k! */
const EXP_SERIES: usize = memory.data<f32>([1, 1, 0.5, 1.0 / 6, 1.0 / 24, 1.0 / 120, 1.0 / 720, 1.0 / 5040]);

/**
 * eˣ = 2ⁿ eʳ with n = round(x/ln 2), |r| ≤ ln 2 / 2, where seven terms of the series leave 1e-8 of it. ln 2 comes in
 * two parts, the first with few enough bits for n · ln 2 to be exact. Adding 1.5 · 2²³ rounds to a whole number, which
 * then stands in the low bits: shifted by 23 they are an exponent.
 */
@inline
export function exp(x: v128): v128 {
  const held = f32x4.pmax(f32x4.pmin(x, spread(EXP, 0)), spread(EXP, 1));
  const shifted = add(mul(held, spread(EXP, 3)), spread(EXP, 2));
  const n = sub(shifted, spread(EXP, 2));
  const r = sub(sub(held, mul(n, spread(EXP, 4))), mul(n, spread(EXP, 5)));
  let e = spread(EXP_SERIES, 7);
  e = multiplyAdd(e, r, spread(EXP_SERIES, 6));
  e = multiplyAdd(e, r, spread(EXP_SERIES, 5));
  e = multiplyAdd(e, r, spread(EXP_SERIES, 4));
  e = multiplyAdd(e, r, spread(EXP_SERIES, 3));
  e = multiplyAdd(e, r, spread(EXP_SERIES, 2));
  e = multiplyAdd(e, r, spread(EXP_SERIES, 1));
  e = multiplyAdd(e, r, spread(EXP_SERIES, 0));
  return i32x4.add(e, i32x4.shl(shifted, 23));
}

/** eˣ − 1 for x ≤ 0, without cancellation near 0: 2t/(1 − t) with t = tanh(x/2) */
@inline
function expMinusOne(x: v128): v128 {
  const half = rational(x, SIGMOID_ENDS, SIGMOID_P, SIGMOID_Q); // t/2
  const t = add(half, half);
  return f32x4.div(add(t, t), sub(one(), t));
}

/** 1/(2k + 1) */
const ARTANH_SERIES: usize = memory.data<f32>([1, 1.0 / 3, 1.0 / 5, 1.0 / 7, 1.0 / 9, 1.0 / 11, 1.0 / 13, 1.0 / 15]);

/** ln(1 + eˣ) = max(x, 0) + ln(1 + e), e = e^−|x| ≤ 1, by ln(1 + e) = 2 artanh(s), s = e/(2 + e) ≤ 1/3 */
@inline
function softplus(x: v128): v128 {
  const e = exp(f32x4.neg(f32x4.abs(x)));
  const s = f32x4.div(e, add(add(e, one()), one()));
  const z = mul(s, s);
  let a = spread(ARTANH_SERIES, 7);
  a = multiplyAdd(a, z, spread(ARTANH_SERIES, 6));
  a = multiplyAdd(a, z, spread(ARTANH_SERIES, 5));
  a = multiplyAdd(a, z, spread(ARTANH_SERIES, 4));
  a = multiplyAdd(a, z, spread(ARTANH_SERIES, 3));
  a = multiplyAdd(a, z, spread(ARTANH_SERIES, 2));
  a = multiplyAdd(a, z, spread(ARTANH_SERIES, 1));
  a = multiplyAdd(a, z, spread(ARTANH_SERIES, 0));
  return multiplyAdd(add(s, s), a, f32x4.max(x, ZERO));
}

/** clip(alpha · x + ½, 0, 1) */
@inline
function clipped(x: v128, alpha: usize): v128 {
  const line = multiplyAdd(x, spread(alpha, 0), spread(HALF, 0));
  return f32x4.min(f32x4.max(line, ZERO), one());
}

const HARD_SIGMOID_ALPHA: usize = memory.data<f32>([1.0 / 6]);
const HARD_SIGMOID_LEGACY_ALPHA: usize = memory.data<f32>([0.2]);
const LEAKY_RELU_ALPHA: usize = memory.data<f32>([0.2]);
/** α, β, αβ and β/α of α tanh(βx). */
const SCALED: usize = memory.data<f32>([1.7159, 2.0 / 3, (1.7159 * 2) / 3, 2.0 / 3 / 1.7159]);

/** With a constant code, what the compiler leaves of it is the one formula. */
@inline
function activate(activation: i32, x: v128): v128 {
  if (activation == TANH) return tanh(x);
  if (activation == SIGMOID) return sigmoid(x);
  if (activation == RELU) return f32x4.max(x, ZERO);
  if (activation == HARD_SIGMOID) return clipped(x, HARD_SIGMOID_ALPHA);
  if (activation == HARD_SIGMOID_LEGACY) return clipped(x, HARD_SIGMOID_LEGACY_ALPHA);
  if (activation == SOFTSIGN) return f32x4.div(x, add(one(), f32x4.abs(x)));
  if (activation == SOFTPLUS) return softplus(x);
  if (activation == ELU) return v128.bitselect(x, expMinusOne(x), f32x4.gt(x, ZERO));
  if (activation == LEAKY_RELU) return v128.bitselect(x, mul(x, spread(LEAKY_RELU_ALPHA, 0)), f32x4.gt(x, ZERO));
  if (activation == THRESHOLDED_RELU) return v128.andnot(x, f32x4.le(x, one())); // lets NaN through
  if (activation == SCALED_TANH) return mul(spread(SCALED, 0), tanh(mul(spread(SCALED, 1), x)));
  return x;
}

/** dy/dx as a function of y. At a kink: the derivative on the flat side, as in Keras. */
@inline
export function slope(activation: i32, y: v128): v128 {
  if (activation == TANH) return sub(one(), mul(y, y));
  if (activation == SIGMOID) return mul(y, sub(one(), y));
  if (activation == RELU) return v128.and(one(), f32x4.gt(y, ZERO));
  if (activation == HARD_SIGMOID) return v128.and(spread(HARD_SIGMOID_ALPHA, 0), inside(y));
  if (activation == HARD_SIGMOID_LEGACY) return v128.and(spread(HARD_SIGMOID_LEGACY_ALPHA, 0), inside(y));
  if (activation == SOFTSIGN) {
    const rest = sub(one(), f32x4.abs(y));
    return mul(rest, rest);
  }
  if (activation == SOFTPLUS) return f32x4.neg(expMinusOne(f32x4.neg(y)));
  if (activation == ELU) return v128.bitselect(one(), add(y, one()), f32x4.gt(y, ZERO));
  if (activation == LEAKY_RELU) return v128.bitselect(one(), spread(LEAKY_RELU_ALPHA, 0), f32x4.gt(y, ZERO));
  if (activation == THRESHOLDED_RELU) return v128.and(one(), f32x4.gt(y, ZERO));
  if (activation == SCALED_TANH) return sub(spread(SCALED, 2), mul(mul(y, y), spread(SCALED, 3))); // 0 where y is α
  return one();
}

@inline
function inside(y: v128): v128 {
  return v128.and(f32x4.gt(y, ZERO), f32x4.lt(y, one()));
}

@inline
function range(activation: i32, to: usize, from: usize, bytes: usize): void {
  for (const end = from + bytes; from < end; from += VECTOR, to += VECTOR) {
    v128.store(to, activate(activation, v128.load(from)));
  }
}

/**
 * to = act(from) over a range. The choice is made once a range and not once a value, so that an unusual activation
 * costs its formula and no more; and in a loop over one formula the machine overlaps the long waits of its divisions.
 */
export function activateRange(activation: i32, to: usize, from: usize, bytes: usize): void {
  switch (activation) {
    case TANH: return range(TANH, to, from, bytes);
    case SIGMOID: return range(SIGMOID, to, from, bytes);
    case RELU: return range(RELU, to, from, bytes);
    case HARD_SIGMOID: return range(HARD_SIGMOID, to, from, bytes);
    case HARD_SIGMOID_LEGACY: return range(HARD_SIGMOID_LEGACY, to, from, bytes);
    case SOFTSIGN: return range(SOFTSIGN, to, from, bytes);
    case SOFTPLUS: return range(SOFTPLUS, to, from, bytes);
    case ELU: return range(ELU, to, from, bytes);
    case LEAKY_RELU: return range(LEAKY_RELU, to, from, bytes);
    case THRESHOLDED_RELU: return range(THRESHOLDED_RELU, to, from, bytes);
    case SCALED_TANH: return range(SCALED_TANH, to, from, bytes);
    default: if (to != from) memory.copy(to, from, bytes);
  }
}

/** dx = dy · act′, from the output y. */
export function activationGradient(activation: i32, dx: usize, y: usize, dy: usize, bytes: usize): void {
  for (let i: usize = 0; i < bytes; i += VECTOR) {
    v128.store(dx + i, mul(v128.load(dy + i), slope(activation, v128.load(y + i))));
  }
}
