/**
 * Matrix products between groups of rows and a weight matrix. The matrix is packed first, into panels of four columns,
 * [panel][inner][4], so that the inner loop reads it from front to back; of a rest of one to three columns each is a panel.
 */
import { add, FLOAT, LANES, multiplyAdd, mul, sumOfLanes, VALUE, VECTOR, ZERO } from './lanes';

/**
 * Packs a matrix whose element (k, column) lies at matrix + k · innerStride + column · columnStride (in floats):
 * with the strides exchanged, its transpose.
 */
export function pack(
  packed: usize,
  matrix: usize,
  inner: i32,
  columns: i32,
  innerStride: i32,
  columnStride: i32,
): void {
  let column = 0;
  while (column < columns) {
    const width = columns - column >= 4 ? 4 : 1;
    for (let k = 0; k < inner; k++) {
      const from = matrix + (<usize>(k * innerStride + column * columnStride)) * FLOAT;
      for (let j = 0; j < width; j++, packed += FLOAT) {
        store<f32>(packed, load<f32>(from + (<usize>(j * columnStride)) * FLOAT));
      }
    }
    column += width;
  }
}

/**
 * One group: out[column] += Σₖ input[k] · matrix[k][column]. Eight sums, four columns of eight rows, stay in registers, of
 * which x86-64 has sixteen; for each k two loads of the input and four of weights, each spread over a vector as it is
 * loaded, feed eight multiplications.
 */
@inline
export function addProduct(out: usize, input: usize, packed: usize, inner: i32, columns: i32): void {
  const end = input + <usize>inner * VALUE;
  let w = packed;
  let left = columns;
  for (; left >= 4; left -= 4, out += 4 * VALUE) {
    let low0 = v128.load(out, 0);
    let high0 = v128.load(out, 16);
    let low1 = v128.load(out, 32);
    let high1 = v128.load(out, 48);
    let low2 = v128.load(out, 64);
    let high2 = v128.load(out, 80);
    let low3 = v128.load(out, 96);
    let high3 = v128.load(out, 112);
    for (let x = input; x < end; x += VALUE, w += 4 * FLOAT) {
      const low = v128.load(x, 0);
      const high = v128.load(x, 16);
      const w0 = v128.load32_splat(w, 0);
      low0 = multiplyAdd(low, w0, low0);
      high0 = multiplyAdd(high, w0, high0);
      const w1 = v128.load32_splat(w, 4);
      low1 = multiplyAdd(low, w1, low1);
      high1 = multiplyAdd(high, w1, high1);
      const w2 = v128.load32_splat(w, 8);
      low2 = multiplyAdd(low, w2, low2);
      high2 = multiplyAdd(high, w2, high2);
      const w3 = v128.load32_splat(w, 12);
      low3 = multiplyAdd(low, w3, low3);
      high3 = multiplyAdd(high, w3, high3);
    }
    v128.store(out, low0, 0);
    v128.store(out, high0, 16);
    v128.store(out, low1, 32);
    v128.store(out, high1, 48);
    v128.store(out, low2, 64);
    v128.store(out, high2, 80);
    v128.store(out, low3, 96);
    v128.store(out, high3, 112);
  }
  for (; left > 0; left--, out += VALUE) {
    let low0 = v128.load(out, 0);
    let high0 = v128.load(out, 16);
    for (let x = input; x < end; x += VALUE, w += FLOAT) {
      const w0 = v128.load32_splat(w);
      low0 = multiplyAdd(v128.load(x, 0), w0, low0);
      high0 = multiplyAdd(v128.load(x, 16), w0, high0);
    }
    v128.store(out, low0, 0);
    v128.store(out, high0, 16);
  }
}

/** The same for `groups` groups: out [groups][columns] += input [groups][inner] · matrix. */
export function addProducts(
  out: usize,
  input: usize,
  packed: usize,
  inner: i32,
  columns: i32,
  groups: i32,
): void {
  for (let g = 0; g < groups; g++) {
    addProduct(out, input, packed, inner, columns);
    out += <usize>columns * VALUE;
    input += <usize>inner * VALUE;
  }
}

/** out [groups][columns] = vector [columns], or zero where its address is 0. */
export function broadcast(out: usize, vector: usize, columns: i32, groups: i32): void {
  if (vector == 0) {
    memory.fill(out, 0, <usize>groups * <usize>columns * VALUE);
    return;
  }
  for (let g = 0; g < groups; g++) {
    for (let column = 0; column < columns; column++, out += VALUE) {
      const value = v128.load32_splat(vector + <usize>column * FLOAT);
      v128.store(out, value, 0);
      v128.store(out, value, 16);
    }
  }
}

/** Bytes of both factors that fit in the first-level cache together. */
const CACHE: i32 = 24 * 1024;
/** Positions whose parts are copied together, and worked on together, where the factors are too wide for that. */
const STRETCH: i32 = 64;

/**
 * The gradient of a matrix: gradient[k][column] += Σ a[position][k] · b[position][column] over all positions and
 * lanes; b and the gradient may have more columns than take part. Tiles of two rows by four columns stay in registers
 * over a stretch of positions that stays in the cache until all tiles are done.
 *
 * Of wide factors what a tile reads is copied together first. As it stands it lies a whole position apart, and where
 * that is a power of two all of it falls into the same few places of the cache: copying made 128 by 512 twice as fast.
 *
 * @param scratch room for 64 groups of inner + 4 values
 */
export function addOuter(
  gradient: usize,
  a: usize,
  b: usize,
  inner: i32,
  columns: i32,
  positions: i32,
  bColumns: i32,
  gradientColumns: i32,
  scratch: usize,
): void {
  const aStep = <usize>inner * VALUE;
  const bStep = <usize>bColumns * VALUE;
  const row = <usize>gradientColumns * FLOAT;
  const width = (inner + columns) * <i32>VALUE;
  const wide = width * 8 > CACHE; // not even eight positions fit
  const stretch = wide ? STRETCH : CACHE / width;
  const panel = scratch + <usize>(STRETCH * inner) * VALUE;
  const pairs = inner >> 1;
  for (let from = 0; from < positions; from += stretch, a += <usize>stretch * aStep, b += <usize>stretch * bStep) {
    const count = min(stretch, positions - from);
    for (let pair = 0; wide && pair < pairs; pair++) {
      copyColumns(scratch + <usize>(pair * count) * (2 * VALUE), a + <usize>pair * (2 * VALUE), 2 * VALUE, aStep, count);
    }
    let column = 0;
    for (; column + 4 <= columns; column += 4) {
      const bFrom = b + <usize>column * VALUE;
      if (wide) copyColumns(panel, bFrom, 4 * VALUE, bStep, count);
      let to = gradient + <usize>column * FLOAT;
      for (let pair = 0; pair < pairs; pair++, to += 2 * row) {
        if (wide) tile(to, scratch + <usize>(pair * count) * (2 * VALUE), panel, count, 2 * VALUE, 4 * VALUE, row);
        else tile(to, a + <usize>pair * (2 * VALUE), bFrom, count, aStep, bStep, row);
      }
    }
    for (let k = 0; k < inner; k++) {
      for (let rest = k < 2 * pairs ? column : 0; rest < columns; rest++) {
        const to = gradient + <usize>k * row + <usize>rest * FLOAT;
        dot(to, a + <usize>k * VALUE, b + <usize>rest * VALUE, count, aStep, bStep);
      }
    }
  }
}

/** Copies `bytes` of each of `count` positions together. */
@inline
function copyColumns(to: usize, from: usize, bytes: usize, step: usize, count: i32): void {
  for (; count > 0; count--, from += step, to += bytes) {
    for (let i: usize = 0; i < bytes; i += VECTOR) v128.store(to + i, v128.load(from + i));
  }
}

function tile(to: usize, a: usize, b: usize, count: i32, aStep: usize, bStep: usize, row: usize): void {
  let s00 = ZERO;
  let s01 = ZERO;
  let s02 = ZERO;
  let s03 = ZERO;
  let s10 = ZERO;
  let s11 = ZERO;
  let s12 = ZERO;
  let s13 = ZERO;
  for (; count > 0; count--, a += aStep, b += bStep) {
    const a0 = v128.load(a, 0);
    const a1 = v128.load(a, 32);
    const b0 = v128.load(b, 0);
    s00 = multiplyAdd(a0, b0, s00);
    s10 = multiplyAdd(a1, b0, s10);
    const b1 = v128.load(b, 32);
    s01 = multiplyAdd(a0, b1, s01);
    s11 = multiplyAdd(a1, b1, s11);
    const b2 = v128.load(b, 64);
    s02 = multiplyAdd(a0, b2, s02);
    s12 = multiplyAdd(a1, b2, s12);
    const b3 = v128.load(b, 96);
    s03 = multiplyAdd(a0, b3, s03);
    s13 = multiplyAdd(a1, b3, s13);
    const a2 = v128.load(a, 16);
    const a3 = v128.load(a, 48);
    const b4 = v128.load(b, 16);
    s00 = multiplyAdd(a2, b4, s00);
    s10 = multiplyAdd(a3, b4, s10);
    const b5 = v128.load(b, 48);
    s01 = multiplyAdd(a2, b5, s01);
    s11 = multiplyAdd(a3, b5, s11);
    const b6 = v128.load(b, 80);
    s02 = multiplyAdd(a2, b6, s02);
    s12 = multiplyAdd(a3, b6, s12);
    const b7 = v128.load(b, 112);
    s03 = multiplyAdd(a2, b7, s03);
    s13 = multiplyAdd(a3, b7, s13);
  }
  v128.store(to, add(v128.load(to), sumsOfLanes(s00, s01, s02, s03)));
  v128.store(to + row, add(v128.load(to + row), sumsOfLanes(s10, s11, s12, s13)));
}

/** The sums of the lanes of four vectors, as the lanes of one. */
@inline
function sumsOfLanes(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = add(v128.shuffle<f32>(a, b, 0, 4, 1, 5), v128.shuffle<f32>(a, b, 2, 6, 3, 7)); // a02 b02 a13 b13
  const cd = add(v128.shuffle<f32>(c, d, 0, 4, 1, 5), v128.shuffle<f32>(c, d, 2, 6, 3, 7));
  return add(v128.shuffle<f32>(ab, cd, 0, 1, 4, 5), v128.shuffle<f32>(ab, cd, 2, 3, 6, 7));
}

@inline
function dot(to: usize, a: usize, b: usize, count: i32, aStep: usize, bStep: usize): void {
  let low = ZERO;
  let high = ZERO;
  for (; count > 0; count--, a += aStep, b += bStep) {
    low = multiplyAdd(v128.load(a, 0), v128.load(b, 0), low);
    high = multiplyAdd(v128.load(a, 16), v128.load(b, 16), high);
  }
  store<f32>(to, load<f32>(to) + sumOfLanes(add(low, high)));
}

/** gradient[column] += Σ b[position][column] over all positions and lanes. */
export function addColumnSums(gradient: usize, b: usize, columns: i32, positions: i32): void {
  const step = <usize>columns * VALUE;
  for (let column = 0; column < columns; column++, b += VALUE, gradient += FLOAT) {
    let low = ZERO;
    let high = ZERO;
    for (let position = 0, from = b; position < positions; position++, from += step) {
      low = add(low, v128.load(from, 0));
      high = add(high, v128.load(from, 16));
    }
    store<f32>(gradient, load<f32>(gradient) + sumOfLanes(add(low, high)));
  }
}
