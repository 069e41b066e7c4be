/**
 * Activations over ranges of memory, and their derivatives as functions of the output y. The codes are the places in
 * `models/activations.ts`, whose constants are repeated here: the contract suite holds every one to the reference.
 */
import { add, mul, multiplyAdd, ONE, sub, VECTOR, ZERO } from './lanes';

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

/**
 * tanh x = x · P(x²)/Q(x²) on [−8, 8], beyond that its value there. The coefficients are those of least largest
 * error (`tools/fit-tanh.py`): 2.5e-8 in exact arithmetic, 3.4e-7 in float32, absolute and relative, as the last
 * roundings count double. One division and no exponential. `pmin` and `pmax` are one instruction each, and let NaN through.
 */
@inline
function tanh(x: v128): v128 {
  const y = f32x4.pmax(f32x4.pmin(x, f32x4.splat(8)), f32x4.splat(-8));
  const z = mul(y, y);
  let p = f32x4.splat(1.62952284269717e-8);
  p = multiplyAdd(p, z, f32x4.splat(2.264184900402535e-5));
  p = multiplyAdd(p, z, f32x4.splat(0.003616329611697198));
  p = multiplyAdd(p, z, f32x4.splat(0.13481989813675865));
  p = multiplyAdd(p, z, ONE);
  let q = f32x4.splat(8.951465264506733e-7);
  q = multiplyAdd(q, z, f32x4.splat(0.000348488016733035));
  q = multiplyAdd(q, z, f32x4.splat(0.0263340629503403));
  q = multiplyAdd(q, z, f32x4.splat(0.46815325353522635));
  q = multiplyAdd(q, z, ONE);
  return f32x4.div(mul(y, p), q);
}

/** 1/(1 + e⁻ˣ) = ½ + ½ tanh(x/2) */
@inline
function sigmoid(x: v128): v128 {
  const half = f32x4.splat(0.5);
  return multiplyAdd(half, tanh(mul(half, x)), half);
}

/**
 * eˣ = 2ⁿ eʳ with n = round(x/ln 2), |r| ≤ ln 2 / 2, where seven terms of the series leave 1e-8 of it. ln 2 comes in
 * two parts, the first with few enough bits for n · ln 2 to be exact. Adding 1.5 · 2²³ rounds to a whole number, which
 * then stands in the low bits: shifted by 23 they are an exponent.
 */
@inline
export function exp(x: v128): v128 {
  const held = f32x4.pmax(f32x4.pmin(x, f32x4.splat(88)), f32x4.splat(-87));
  const shifter = f32x4.splat(12582912);
  const shifted = add(mul(held, f32x4.splat(1.4426950408889634)), shifter);
  const n = sub(shifted, shifter);
  let r = sub(held, mul(n, f32x4.splat(0.693359375)));
  r = sub(r, mul(n, f32x4.splat(-0.00021219444005469057)));
  let e = f32x4.splat(1.0 / 5040);
  e = multiplyAdd(e, r, f32x4.splat(1.0 / 720));
  e = multiplyAdd(e, r, f32x4.splat(1.0 / 120));
  e = multiplyAdd(e, r, f32x4.splat(1.0 / 24));
  e = multiplyAdd(e, r, f32x4.splat(1.0 / 6));
  e = multiplyAdd(e, r, f32x4.splat(0.5));
  e = multiplyAdd(e, r, ONE);
  e = multiplyAdd(e, r, ONE);
  return i32x4.add(e, i32x4.shl(shifted, 23));
}

/** eˣ − 1 for x ≤ 0, without cancellation near 0: 2t/(1 − t) with t = tanh(x/2) */
@inline
function expMinusOne(x: v128): v128 {
  const t = tanh(mul(f32x4.splat(0.5), f32x4.pmax(x, f32x4.splat(-16))));
  return f32x4.div(add(t, t), sub(ONE, t));
}

/** ln(1 + eˣ) = max(x, 0) + ln(1 + e), e = e^−|x| ≤ 1, by ln(1 + e) = 2 artanh(s), s = e/(2 + e) ≤ 1/3 */
@inline
function softplus(x: v128): v128 {
  const e = exp(f32x4.neg(f32x4.abs(x)));
  const s = f32x4.div(e, add(e, f32x4.splat(2)));
  const z = mul(s, s);
  let a = f32x4.splat(1.0 / 15);
  a = multiplyAdd(a, z, f32x4.splat(1.0 / 13));
  a = multiplyAdd(a, z, f32x4.splat(1.0 / 11));
  a = multiplyAdd(a, z, f32x4.splat(1.0 / 9));
  a = multiplyAdd(a, z, f32x4.splat(1.0 / 7));
  a = multiplyAdd(a, z, f32x4.splat(1.0 / 5));
  a = multiplyAdd(a, z, f32x4.splat(1.0 / 3));
  a = multiplyAdd(a, z, ONE);
  return multiplyAdd(add(s, s), a, f32x4.max(x, ZERO));
}

@inline
function clipped(x: v128, alpha: f32): v128 {
  const line = multiplyAdd(x, f32x4.splat(alpha), f32x4.splat(0.5));
  return f32x4.min(f32x4.max(line, ZERO), ONE);
}

/** With a constant code, what the compiler leaves of it is the one formula. */
@inline
function activate(activation: i32, x: v128): v128 {
  if (activation == TANH) return tanh(x);
  if (activation == SIGMOID) return sigmoid(x);
  if (activation == RELU) return f32x4.max(x, ZERO);
  if (activation == HARD_SIGMOID) return clipped(x, 1.0 / 6);
  if (activation == HARD_SIGMOID_LEGACY) return clipped(x, 0.2);
  if (activation == SOFTSIGN) return f32x4.div(x, add(ONE, f32x4.abs(x)));
  if (activation == SOFTPLUS) return softplus(x);
  if (activation == ELU) return v128.bitselect(x, expMinusOne(x), f32x4.gt(x, ZERO));
  if (activation == LEAKY_RELU) return v128.bitselect(x, mul(x, f32x4.splat(0.2)), f32x4.gt(x, ZERO));
  if (activation == THRESHOLDED_RELU) return v128.and(x, f32x4.gt(x, ONE));
  if (activation == SCALED_TANH) return mul(f32x4.splat(1.7159), tanh(mul(f32x4.splat(2.0 / 3), x)));
  return x;
}

/** dy/dx as a function of y. At a kink: the derivative on the flat side, as in Keras. */
@inline
export function slope(activation: i32, y: v128): v128 {
  if (activation == TANH) return sub(ONE, mul(y, y));
  if (activation == SIGMOID) return mul(y, sub(ONE, y));
  if (activation == RELU) return v128.and(ONE, f32x4.gt(y, ZERO));
  if (activation == HARD_SIGMOID) return v128.and(f32x4.splat(1.0 / 6), inside(y));
  if (activation == HARD_SIGMOID_LEGACY) return v128.and(f32x4.splat(0.2), inside(y));
  if (activation == SOFTSIGN) {
    const rest = sub(ONE, f32x4.abs(y));
    return mul(rest, rest);
  }
  if (activation == SOFTPLUS) return f32x4.neg(expMinusOne(f32x4.neg(y)));
  if (activation == ELU) return v128.bitselect(ONE, add(y, ONE), f32x4.gt(y, ZERO));
  if (activation == LEAKY_RELU) return v128.bitselect(ONE, f32x4.splat(0.2), f32x4.gt(y, ZERO));
  if (activation == THRESHOLDED_RELU) return v128.and(ONE, f32x4.gt(y, ZERO));
  if (activation == SCALED_TANH) {
    return mul(f32x4.splat(2.0 / 3), sub(f32x4.splat(1.7159), mul(mul(y, y), f32x4.splat(1.0 / 1.7159))));
  }
  return ONE;
}

@inline
function inside(y: v128): v128 {
  return v128.and(f32x4.gt(y, ZERO), f32x4.lt(y, ONE));
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
