/**
 * Eight rows of the batch go through every kernel side by side: a *group*. One value of a group, say one unit of the
 * hidden state, is eight float32, two SIMD vectors. A sequence is [time][group][feature][lane], so that
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
export const ONE: v128 = f32x4.splat(1);

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
