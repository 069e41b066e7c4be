/**
 * A WebAssembly module that does nothing but multiply and add vectors in registers, written out byte by byte: so many
 * chains at once that none waits for its last result. The loop is what the SIMD of an engine cannot beat.
 *
 * Export: `run(rounds: i32): f32`.
 */
const chains = 10;
const unrolled = 8;

/** Of four floats each, a multiply-add being two. */
export const operationsPerRound = chains * unrolled * 4 * 2;

const op = {
  loop: [0x03, 0x40],
  branchIf: 0x0d,
  end: 0x0b,
  get: 0x20,
  set: 0x21,
  tee: 0x22,
  i32: 0x41,
  f32: 0x43,
  i32Sub: 0x6b,
  splat: [0xfd, 0x13],
  firstLane: [0xfd, 0x1f, 0x00],
  add: [0xfd, 0xe4, 0x01],
  multiply: [0xfd, 0xe6, 0x01],
  relaxedMultiplyAdd: [0xfd, 0x85, 0x02],
} as const;

const v128 = 0x7b;

export function multiplyAddModule(build: 'plain' | 'relaxed'): Uint8Array<ArrayBuffer> {
  const rounds = 0; // the parameter; locals follow it
  const factor = 1;
  const chain = (index: number) => 2 + index;
  // x ← x · 0.999 + 0.999 stays finite, and no compiler can foresee it.
  const constant = [op.f32, ...new Uint8Array(Float32Array.of(0.999).buffer), ...op.splat];
  const arithmetic = build === 'relaxed' ? op.relaxedMultiplyAdd : [...op.multiply, op.get, factor, ...op.add];
  const multiplyAdd = (x: number) =>
    build === 'relaxed'
      ? [op.get, x, op.get, factor, op.get, factor, ...arithmetic, op.set, x]
      : [op.get, x, op.get, factor, ...arithmetic, op.set, x];
  const indices = Array.from({ length: chains }, (_, index) => index);
  const body = [
    ...[...constant, op.set, factor],
    ...op.loop,
    ...Array.from({ length: unrolled }, () => indices.flatMap((index) => multiplyAdd(chain(index)))).flat(),
    ...[op.get, rounds, op.i32, 1, op.i32Sub, op.tee, rounds, op.branchIf, 0, op.end],
    ...[op.get, chain(0)],
    ...indices.slice(1).flatMap((index) => [op.get, chain(index), ...op.add]),
    ...op.firstLane,
    op.end,
  ];
  const code = [1, ...unsigned(1 + chains), v128, ...body];
  const name = [...new TextEncoder().encode('run')];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 1, 0x7f, 1, 0x7d]), // (i32) → f32
    ...section(3, [1, 0]),
    ...section(7, [1, name.length, ...name, 0, 0]),
    ...section(10, [1, ...unsigned(code.length), ...code]),
  ]);
}

function section(id: number, content: readonly number[]): number[] {
  return [id, ...unsigned(content.length), ...content];
}

/** LEB128. */
function unsigned(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)];
}
