/** Numbers of files, as float32. */

/** @param width bytes of one number, of which `bytes` holds a whole number */
export function readNumbers(
  bytes: Uint8Array,
  width: number,
  read: (view: DataView, at: number) => number,
): Float32Array<ArrayBuffer> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const values = new Float32Array(bytes.length / width);
  for (let index = 0; index < values.length; index++) values[index] = read(view, width * index);
  return values;
}

/** IEEE 754 binary16: every one is a float32. */
export function float16(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** The upper half of a float32. */
export function bfloat16(bits: number): number {
  const [value = 0] = new Float32Array(Uint32Array.of(bits << 16).buffer);
  return value;
}
