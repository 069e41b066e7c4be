/** target[index[p]] += scale[p] · source[p], over rows of `width`. */
export function scatterAdd(
  target: Float32Array,
  source: Float32Array,
  index: Int32Array,
  scale: Float32Array | undefined,
  width: number,
): void {
  for (let p = 0; p < index.length; p++) {
    const to = (index[p] as number) * width;
    const from = p * width;
    const factor = scale ? (scale[p] as number) : 1;
    for (let j = 0; j < width; j++) target[to + j] = (target[to + j] as number) + factor * (source[from + j] as number);
  }
}
