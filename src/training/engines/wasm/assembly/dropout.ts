/**
 * Dropout masks, the same numbers as `dropoutMask` of `src/training/dropout.ts`: Philox4x32-10, whose multiplications
 * are what a 64-bit machine is good at. @see src/core/random.ts
 */

/**
 * out[i] = 0 where draw i is below `rate`, else `kept`.
 *
 * @param first draw of out[0], a multiple of four
 * @param c1, c2, c3 the counter without its first word, which counts blocks of four draws
 * @param key0, key1 the seed
 */
export function dropoutMask(
  out: usize, count: i32, first: u32, rate: f64, kept: f32, c1: u32, c2: u32, c3: u32, key0: u32, key1: u32,
): void {
  const threshold = rate * 4294967296;
  for (let block = 0; block * 4 < count; block++, out += 16) {
    let a = (first >> 2) + <u32>block;
    let b = c1;
    let c = c2;
    let d = c3;
    let k0 = key0;
    let k1 = key1;
    for (let round = 0; round < 10; round++) {
      const productA = <u64>0xd2511f53 * <u64>a;
      const productC = <u64>0xcd9e8d57 * <u64>c;
      a = <u32>(productC >> 32) ^ b ^ k0;
      b = <u32>productC;
      c = <u32>(productA >> 32) ^ d ^ k1;
      d = <u32>productA;
      k0 += 0x9e3779b9;
      k1 += 0xbb67ae85;
    }
    draw(out, a, threshold, kept);
    if (block * 4 + 1 < count) draw(out + 4, b, threshold, kept);
    if (block * 4 + 2 < count) draw(out + 8, c, threshold, kept);
    if (block * 4 + 3 < count) draw(out + 12, d, threshold, kept);
  }
}

/** 24 random bits, as a share of 1, are compared. */
@inline
function draw(out: usize, bits: u32, threshold: f64, kept: f32): void {
  store<f32>(out, <f64>(bits & 0xffffff00) < threshold ? 0 : kept);
}
