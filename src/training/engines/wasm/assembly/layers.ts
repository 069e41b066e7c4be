/** The small layers, and what happens to sequences between the large ones. Sizes in bytes unless said otherwise. */
import { exp } from './activations';
import { add, FLOAT, LANES, mul, multiplyAdd, one, sub, VALUE, VECTOR, ZERO } from './lanes';

/** out = a · b, with b repeated every `period` bytes: dropout, whose mask is the same at all steps or not. */
export function multiply(out: usize, a: usize, b: usize, period: usize, bytes: usize): void {
  for (let from: usize = 0; from < bytes; from += period) {
    for (let i: usize = 0; i < period; i += VECTOR) {
      v128.store(out + from + i, mul(v128.load(a + from + i), v128.load(b + i)));
    }
  }
}

/** out += a · b, likewise. */
export function addMultiplied(out: usize, a: usize, b: usize, period: usize, bytes: usize): void {
  for (let from: usize = 0; from < bytes; from += period) {
    for (let i: usize = 0; i < period; i += VECTOR) {
      const to = out + from + i;
      v128.store(to, multiplyAdd(v128.load(a + from + i), v128.load(b + i), v128.load(to)));
    }
  }
}

/** out = scale · a */
export function scale(out: usize, a: usize, factor: f32, bytes: usize): void {
  for (let i: usize = 0; i < bytes; i += VECTOR) v128.store(out + i, mul(v128.load(a + i), f32x4.splat(factor)));
}

/** out = scale · (a + b) */
export function scaledSum(out: usize, a: usize, b: usize, factor: f32, bytes: usize): void {
  for (let i: usize = 0; i < bytes; i += VECTOR) {
    v128.store(out + i, mul(add(v128.load(a + i), v128.load(b + i)), f32x4.splat(factor)));
  }
}

/** Copies `count` pieces of `bytes`, the places of whose beginnings are a stride apart: one side of a concatenation. */
export function copyStrided(to: usize, toStride: usize, from: usize, fromStride: usize, bytes: usize, count: i32): void {
  for (let n = 0; n < count; n++, to += toStride, from += fromStride) memory.copy(to, from, bytes);
}

/** Copies a sequence with its steps in reverse. @param slot bytes of one step */
export function reverse(to: usize, from: usize, slot: usize, time: i32): void {
  for (let t = 0; t < time; t++) memory.copy(to + <usize>t * slot, from + <usize>(time - 1 - t) * slot, slot);
}

/** share[group] = 1 / number of steps that count, or 0. @param mask bits, [time][groups]; 0: all count */
export function shares(share: usize, mask: usize, time: i32, groups: i32): void {
  const vectors = 2 * groups;
  for (let v = 0; v < vectors; v++) {
    let count = mask ? ZERO : f32x4.splat(<f32>time);
    for (let t = 0; mask && t < time; t++) {
      count = add(count, v128.and(one(), v128.load(mask + <usize>(t * vectors + v) * VECTOR)));
    }
    const each = f32x4.div(one(), f32x4.max(count, one()));
    v128.store(share + <usize>v * VECTOR, v128.and(each, f32x4.gt(count, ZERO)));
  }
}

/** out [groups][features] = Σₜ input[t], of the steps that count, · share */
export function averageForward(
  out: usize, input: usize, mask: usize, share: usize, features: i32, time: i32, groups: i32,
): void {
  const slot = <usize>groups * <usize>features * VALUE;
  memory.fill(out, 0, slot);
  for (let t = 0; t < time; t++) {
    for (let g = 0; g < groups; g++) {
      for (let half: usize = 0; half < VALUE; half += VECTOR) {
        const place = <usize>(t * groups + g) * VALUE + half;
        const counts = mask ? v128.load(mask + place) : i32x4.splat(-1);
        const factor = v128.and(v128.load(share + <usize>g * VALUE + half), counts);
        let to = out + <usize>g * <usize>features * VALUE + half;
        let from = input + <usize>t * slot + <usize>g * <usize>features * VALUE + half;
        for (let j = 0; j < features; j++, to += VALUE, from += VALUE) {
          v128.store(to, multiplyAdd(v128.load(from), factor, v128.load(to)));
        }
      }
    }
  }
}

export function averageBackward(
  inputGradient: usize, outputGradient: usize, mask: usize, share: usize, features: i32, time: i32, groups: i32,
): void {
  const slot = <usize>groups * <usize>features * VALUE;
  for (let t = 0; t < time; t++) {
    for (let g = 0; g < groups; g++) {
      for (let half: usize = 0; half < VALUE; half += VECTOR) {
        const place = <usize>(t * groups + g) * VALUE + half;
        const counts = mask ? v128.load(mask + place) : i32x4.splat(-1);
        const factor = v128.and(v128.load(share + <usize>g * VALUE + half), counts);
        let from = outputGradient + <usize>g * <usize>features * VALUE + half;
        let to = inputGradient + <usize>t * slot + <usize>g * <usize>features * VALUE + half;
        for (let j = 0; j < features; j++, to += VALUE, from += VALUE) {
          v128.store(to, multiplyAdd(v128.load(from), factor, v128.load(to)));
        }
      }
    }
  }
}

/** The largest of the steps that count, the first among equals; `chosen` keeps which, −1 where none counts (and 0 is given). */
export function maxForward(
  out: usize, chosen: usize, input: usize, mask: usize, features: i32, time: i32, groups: i32,
): void {
  const slot = <usize>groups * <usize>features * VALUE;
  memory.fill(out, 0, slot);
  memory.fill(chosen, 0xff, slot);
  const none = i32x4.splat(-1);
  for (let t = 0; t < time; t++) {
    for (let g = 0; g < groups; g++) {
      for (let half: usize = 0; half < VALUE; half += VECTOR) {
        const counts = mask ? v128.load(mask + <usize>(t * groups + g) * VALUE + half) : none;
        for (let j = 0; j < features; j++) {
          const at = <usize>(g * features + j) * VALUE + half;
          const x = v128.load(input + <usize>t * slot + at);
          const best = v128.load(out + at);
          const which = v128.load(chosen + at);
          // "not less or equal" and not "greater", so that a NaN is taken; what comes after it takes its place
          const better = v128.and(counts, v128.or(i32x4.eq(which, none), v128.not(f32x4.le(x, best))));
          v128.store(out + at, v128.bitselect(x, best, better));
          v128.store(chosen + at, v128.bitselect(i32x4.splat(t), which, better));
        }
      }
    }
  }
}

export function maxBackward(
  inputGradient: usize, outputGradient: usize, chosen: usize, features: i32, time: i32, groups: i32,
): void {
  const slot = <usize>groups * <usize>features * VALUE;
  for (let t = 0; t < time; t++) {
    for (let i: usize = 0; i < slot; i += VECTOR) {
      const to = inputGradient + <usize>t * slot + i;
      const here = i32x4.eq(v128.load(chosen + i), i32x4.splat(t));
      v128.store(to, add(v128.load(to), v128.and(v128.load(outputGradient + i), here)));
    }
  }
}

/** Softmax over the values of each group, lane by lane. */
export function softmaxForward(out: usize, input: usize, features: i32, groups: i32): void {
  const bytes = <usize>features * VALUE;
  for (let v = 0; v < 2 * groups; v++) {
    const begin = <usize>(v >> 1) * bytes + <usize>(v & 1) * VECTOR;
    let highest = v128.load(input + begin);
    for (let i = VALUE; i < bytes; i += VALUE) highest = f32x4.max(highest, v128.load(input + begin + i));
    let sum = ZERO;
    for (let i: usize = 0; i < bytes; i += VALUE) {
      const e = exp(sub(v128.load(input + begin + i), highest));
      v128.store(out + begin + i, e);
      sum = add(sum, e);
    }
    for (let i: usize = 0; i < bytes; i += VALUE) {
      v128.store(out + begin + i, f32x4.div(v128.load(out + begin + i), sum));
    }
  }
}

/** dxᵢ = yᵢ(dyᵢ − Σⱼ yⱼ dyⱼ) */
export function softmaxBackward(dx: usize, y: usize, dy: usize, features: i32, groups: i32): void {
  const bytes = <usize>features * VALUE;
  for (let v = 0; v < 2 * groups; v++) {
    const begin = <usize>(v >> 1) * bytes + <usize>(v & 1) * VECTOR;
    let mean = ZERO;
    for (let i: usize = 0; i < bytes; i += VALUE) {
      mean = multiplyAdd(v128.load(y + begin + i), v128.load(dy + begin + i), mean);
    }
    for (let i: usize = 0; i < bytes; i += VALUE) {
      v128.store(dx + begin + i, mul(v128.load(y + begin + i), sub(v128.load(dy + begin + i), mean)));
    }
  }
}

/** to += from over `count` floats */
export function addVector(to: usize, from: usize, count: i32): void {
  for (let i = 0; i < count; i++, to += FLOAT, from += FLOAT) store<f32>(to, load<f32>(to) + load<f32>(from));
}

/** Fills with one number. */
export function fill(to: usize, value: f32, bytes: usize): void {
  const vector = f32x4.splat(value);
  for (let i: usize = 0; i < bytes; i += VECTOR) v128.store(to + i, vector);
}
