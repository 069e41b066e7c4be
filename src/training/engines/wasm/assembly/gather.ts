/**
 * Between tables, whose rows lie one after another, and groups, where eight rows lie side by side: four by four
 * floats are transposed in registers. A shuffle picks four lanes of two vectors, 0 to 3 of the first and 4 to 7 of the
 * second: of rows a, b, c and d the first round makes a₀b₀a₁b₁ and c₀d₀c₁d₁, the second a₀b₀c₀d₀ and a₁b₁c₁d₁.
 */
import { add, FLOAT, LANES, mul, VALUE, VECTOR } from './lanes';

/**
 * out[group][column][lane] = scale · table[index][column] + bias[column]
 *
 * @param index row of the table, [groups][lanes]
 * @param scale of each row, [groups][lanes]; 0: none
 * @param bias [columns]; 0: none
 */
export function gather(
  out: usize,
  table: usize,
  index: usize,
  scale: usize,
  bias: usize,
  columns: i32,
  groups: i32,
): void {
  const row = <usize>columns * FLOAT;
  for (let half = 0; half < 2 * groups; half++) {
    const r0 = table + <usize>load<u32>(index, 0) * row;
    const r1 = table + <usize>load<u32>(index, 4) * row;
    const r2 = table + <usize>load<u32>(index, 8) * row;
    const r3 = table + <usize>load<u32>(index, 12) * row;
    index += 16;
    const factor = scale ? v128.load(scale + <usize>half * VECTOR) : f32x4.splat(1);
    let to = out + <usize>(half >> 1) * <usize>columns * VALUE + <usize>(half & 1) * VECTOR;
    let at: usize = 0;
    for (; at + 16 <= row; at += 16, to += 4 * VALUE) {
      const a = v128.load(r0 + at);
      const b = v128.load(r1 + at);
      const c = v128.load(r2 + at);
      const d = v128.load(r3 + at);
      const ab = v128.shuffle<f32>(a, b, 0, 4, 1, 5);
      const cd = v128.shuffle<f32>(c, d, 0, 4, 1, 5);
      const ab2 = v128.shuffle<f32>(a, b, 2, 6, 3, 7);
      const cd2 = v128.shuffle<f32>(c, d, 2, 6, 3, 7);
      let v0 = v128.shuffle<f32>(ab, cd, 0, 1, 4, 5);
      let v1 = v128.shuffle<f32>(ab, cd, 2, 3, 6, 7);
      let v2 = v128.shuffle<f32>(ab2, cd2, 0, 1, 4, 5);
      let v3 = v128.shuffle<f32>(ab2, cd2, 2, 3, 6, 7);
      if (scale) {
        v0 = mul(v0, factor);
        v1 = mul(v1, factor);
        v2 = mul(v2, factor);
        v3 = mul(v3, factor);
      }
      if (bias) {
        v0 = add(v0, v128.load32_splat(bias + at, 0));
        v1 = add(v1, v128.load32_splat(bias + at, 4));
        v2 = add(v2, v128.load32_splat(bias + at, 8));
        v3 = add(v3, v128.load32_splat(bias + at, 12));
      }
      v128.store(to, v0, 0);
      v128.store(to, v1, 32);
      v128.store(to, v2, 64);
      v128.store(to, v3, 96);
    }
    for (; at < row; at += FLOAT, to += VALUE) {
      let v = f32x4.splat(load<f32>(r0 + at));
      v = f32x4.replace_lane(v, 1, load<f32>(r1 + at));
      v = f32x4.replace_lane(v, 2, load<f32>(r2 + at));
      v = f32x4.replace_lane(v, 3, load<f32>(r3 + at));
      if (scale) v = mul(v, factor);
      if (bias) v = add(v, v128.load32_splat(bias + at));
      v128.store(to, v);
    }
  }
}

/**
 * table[index][column] += scale · input[group][column][lane]: what `gather` is to a gradient. Rows are added one
 * after another, as several lanes may name the same one.
 */
export function scatterAdd(
  table: usize,
  input: usize,
  index: usize,
  scale: usize,
  columns: i32,
  groups: i32,
): void {
  const row = <usize>columns * FLOAT;
  for (let half = 0; half < 2 * groups; half++) {
    const r0 = table + <usize>load<u32>(index, 0) * row;
    const r1 = table + <usize>load<u32>(index, 4) * row;
    const r2 = table + <usize>load<u32>(index, 8) * row;
    const r3 = table + <usize>load<u32>(index, 12) * row;
    index += 16;
    const factor = scale ? v128.load(scale + <usize>half * VECTOR) : f32x4.splat(1);
    let from = input + <usize>(half >> 1) * <usize>columns * VALUE + <usize>(half & 1) * VECTOR;
    let at: usize = 0;
    for (; at + 16 <= row; at += 16, from += 4 * VALUE) {
      const v0 = mul(factor, v128.load(from, 0));
      const v1 = mul(factor, v128.load(from, 32));
      const v2 = mul(factor, v128.load(from, 64));
      const v3 = mul(factor, v128.load(from, 96));
      const v01 = v128.shuffle<f32>(v0, v1, 0, 4, 1, 5);
      const v23 = v128.shuffle<f32>(v2, v3, 0, 4, 1, 5);
      const w01 = v128.shuffle<f32>(v0, v1, 2, 6, 3, 7);
      const w23 = v128.shuffle<f32>(v2, v3, 2, 6, 3, 7);
      v128.store(r0 + at, add(v128.load(r0 + at), v128.shuffle<f32>(v01, v23, 0, 1, 4, 5)));
      v128.store(r1 + at, add(v128.load(r1 + at), v128.shuffle<f32>(v01, v23, 2, 3, 6, 7)));
      v128.store(r2 + at, add(v128.load(r2 + at), v128.shuffle<f32>(w01, w23, 0, 1, 4, 5)));
      v128.store(r3 + at, add(v128.load(r3 + at), v128.shuffle<f32>(w01, w23, 2, 3, 6, 7)));
    }
    for (; at < row; at += FLOAT, from += VALUE) {
      const v = mul(factor, v128.load(from));
      store<f32>(r0 + at, load<f32>(r0 + at) + f32x4.extract_lane(v, 0));
      store<f32>(r1 + at, load<f32>(r1 + at) + f32x4.extract_lane(v, 1));
      store<f32>(r2 + at, load<f32>(r2 + at) + f32x4.extract_lane(v, 2));
      store<f32>(r3 + at, load<f32>(r3 + at) + f32x4.extract_lane(v, 3));
    }
  }
}

/**
 * Puts the ids of a batch, [rows, time], at their positions, [time][padded], where rows that only fill up the last group
 * repeat the last one, and finds the different ones among them, in the order of positions.
 *
 * @param seen −1 for each id of the vocabulary, before and after
 * @param uniqueIds the different ids, filled up to a multiple of LANES with the first
 * @param uniqueOf place of each position's id in `uniqueIds`
 * @param mask bits set where an id is not 0, at each position; 0: not wanted
 * @returns how many different ids there are
 */
export function placeIds(
  given: usize,
  seen: usize,
  ids: usize,
  uniqueIds: usize,
  uniqueOf: usize,
  mask: usize,
  rows: i32,
  time: i32,
  padded: i32,
): i32 {
  let unique = 0;
  let position: usize = 0;
  for (let t = 0; t < time; t++) {
    let from = given + <usize>t * 4;
    for (let lane = 0; lane < padded; lane++, position += 4) {
      const id = load<i32>(from);
      if (lane < rows - 1) from += <usize>time * 4;
      let place = load<i32>(seen + <usize>id * 4);
      if (place < 0) {
        place = unique++;
        store<i32>(seen + <usize>id * 4, place);
        store<i32>(uniqueIds + <usize>place * 4, id);
      }
      store<i32>(ids + position, id);
      store<i32>(uniqueOf + position, place);
      if (mask) store<i32>(mask + position, id == 0 ? 0 : -1);
    }
  }
  for (let place = 0; place < unique; place++) {
    store<i32>(seen + <usize>load<i32>(uniqueIds + <usize>place * 4) * 4, -1);
  }
  for (let place = unique; place % LANES != 0; place++) store<i32>(uniqueIds + <usize>place * 4, load<i32>(uniqueIds));
  return unique;
}

/** out[id][lane] = 1 at the id of each row of [groups][lanes], else 0: for the layers that need one-hot rows in full. */
export function oneHotRows(out: usize, ids: usize, depth: i32, groups: i32): void {
  memory.fill(out, 0, <usize>groups * <usize>depth * VALUE);
  for (let g = 0; g < groups; g++, out += <usize>depth * VALUE) {
    for (let lane = 0; lane < LANES; lane++, ids += 4) {
      store<f32>(out + <usize>load<u32>(ids) * VALUE + <usize>lane * FLOAT, 1);
    }
  }
}

/** out[position] = mask[row][id of the position]: the share that dropout leaves of a one-hot row. */
export function pickScales(out: usize, mask: usize, ids: usize, rows: usize, depth: i32, positions: i32, padded: i32): void {
  for (let p = 0; p < positions; p++, out += 4, ids += 4) {
    const row = load<u32>(rows + <usize>(p % padded) * 4);
    store<f32>(out, load<f32>(mask + (<usize>row * <usize>depth + <usize>load<u32>(ids)) * FLOAT));
  }
}
