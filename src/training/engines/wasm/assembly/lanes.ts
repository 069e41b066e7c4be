/**
 * Eight rows of the batch go through every kernel side by side: a *group*. One value of a group, say one unit of the
 * hidden state, is eight float32, two SIMD vectors; row r of the group stands in lane r of each. A row never needs another
 * one before the gradients of weights are summed, so lanes never mix: a kernel reads like the formula for one row.
 * A sequence is [time][group][feature][lane], so that
 *
 * - no kernel has a remainder: a batch that is no multiple of eight repeats its last row, with gradient zero;
 * - a weight is loaded once and multiplies eight rows;
 * - a step of the recurrence touches each group alone, one small contiguous piece of memory.
 *
 * Kernels take addresses and sizes in bytes of linear memory; the TypeScript around them decides what lies where.
 */

/** Bytes of one float32. */
export const FLOAT: usize = 4;
/** Bytes of one SIMD vector: four rows. */
export const VECTOR: usize = 16;
/** Bytes of one value of a group: eight rows. */
export const VALUE: usize = 32;
/** Rows of a group. */
export const LANES: i32 = 8;

export const ZERO: v128 = f32x4.splat(0);

/**
 * Number k of a table in all lanes. Constants of inner loops lie in memory: loading and spreading one is one
 * instruction, where V8 makes a vector constant anew from integer registers, with several, in every round of the loop.
 * It made tanh two to three times as fast.
 */
@inline
export function spread(table: usize, k: i32): v128 {
  return v128.load32_splat(table + <usize>k * FLOAT);
}

const ONE: usize = memory.data<f32>([1]);

@inline
export function one(): v128 {
  return spread(ONE, 0);
}

/** a·b + c: one instruction in the build with relaxed SIMD, where the machine has it; else two, with two roundings. */
@inline
export function multiplyAdd(a: v128, b: v128, c: v128): v128 {
  return ASC_FEATURE_RELAXED_SIMD ? f32x4.relaxed_madd(a, b, c) : f32x4.add(f32x4.mul(a, b), c);
}

@inline
export function add(a: v128, b: v128): v128 {
  return f32x4.add(a, b);
}

@inline
export function sub(a: v128, b: v128): v128 {
  return f32x4.sub(a, b);
}

@inline
export function mul(a: v128, b: v128): v128 {
  return f32x4.mul(a, b);
}

@inline
export function sumOfLanes(a: v128): f32 {
  return (
    f32x4.extract_lane(a, 0) + f32x4.extract_lane(a, 1) + (f32x4.extract_lane(a, 2) + f32x4.extract_lane(a, 3))
  );
}

/**
 * Rounds to a multiple of 2⁻²⁴ of `grain`: to zero what is far below. Gradients fade as they walk back through time,
 * and moments that get no gradient fade from step to step; both end as subnormal numbers, on which a processor is up to
 * a hundred times slower, and WebAssembly cannot tell it to take them for zero. Moments would even stay there: 0.9
 * times the smallest number rounds to itself.
 */
@inline
export function withoutTraces(x: v128, grain: usize): v128 {
  return f32x4.sub(f32x4.add(x, spread(grain, 0)), spread(grain, 0));
}

/** 2⁻³⁶: gradients are exact to 2⁻⁶⁰, and their squares stay normal numbers. */
export const GRADIENT_GRAIN: usize = memory.data<f32>([1.4551915228366852e-11]);
/** 2⁻⁷⁶: squares of gradients are exact to 2⁻¹⁰⁰. */
export const SQUARE_GRAIN: usize = memory.data<f32>([1.3234889800848443e-23]);
