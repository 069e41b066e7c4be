/**
 * Counter-based random numbers: Philox4x32-10 (Salmon, Moraes, Dror and Shaw, "Parallel random numbers:
 * as easy as 1, 2, 3", SC 2011). A draw depends only on its address, never on the draws before it, so every
 * engine and every thread sees the same dropout masks, and a resumed run repeats bit for bit.
 */

/** What the draws are for. The number is part of the address: never renumber. */
const purposes = { initialise: 1, shuffle: 2, dropout: 3, recurrentDropout: 4, split: 5 } as const;

export type Purpose = keyof typeof purposes;

/** Where in a run the draws are taken. */
export interface RandomAddress {
  /** Any safe integer ≥ 0. */
  readonly seed: number;
  readonly purpose: Purpose;
  /** Below 2^32; 0 when it does not apply. */
  readonly epoch?: number;
  /** Below 2^32; 0 when it does not apply. */
  readonly step?: number;
  /** Below 2^24: which layer, direction or parameter. */
  readonly stream?: number;
}

export interface Random {
  /** A whole number in [0, 2^32). */
  uint32(): number;
  /** A real number in [0, 1) with 24 random bits: exact in float32. */
  uniform(): number;
  /** A whole number in [0, bound), without modulo bias. `bound` ≤ 2^32. */
  below(bound: number): number;
  /** A normal deviate of mean 0 and variance 1 (Box–Muller). */
  normal(): number;
}

const multiplierA = 0xd2511f53;
const multiplierB = 0xcd9e8d57;
const weylA = 0x9e3779b9;
const weylB = 0xbb67ae85;

/** High 32 bits of the product of two unsigned 32-bit numbers. */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const carry = aLow * bHigh + (middle & 0xffff);
  return (aHigh * bHigh + Math.floor(middle / 0x10000) + Math.floor(carry / 0x10000)) >>> 0;
}

/**
 * One block of four 32-bit numbers.
 *
 * @param counter four unsigned 32-bit numbers
 * @param key two unsigned 32-bit numbers
 */
export function philox4x32(counter: Uint32Array, key: readonly [number, number]): Uint32Array<ArrayBuffer> {
  let [c0, c1, c2, c3] = counter as unknown as [number, number, number, number];
  let [k0, k1] = key;
  for (let round = 0; round < 10; round++) {
    const lowA = Math.imul(multiplierA, c0) >>> 0;
    const lowB = Math.imul(multiplierB, c2) >>> 0;
    const highA = multiplyHigh(multiplierA, c0);
    const highB = multiplyHigh(multiplierB, c2);
    [c0, c1, c2, c3] = [(highB ^ c1 ^ k0) >>> 0, lowB, (highA ^ c3 ^ k1) >>> 0, lowA];
    k0 = (k0 + weylA) >>> 0;
    k1 = (k1 + weylB) >>> 0;
  }
  return Uint32Array.of(c0, c1, c2, c3);
}

/** What Philox takes for an address: its key, and the counter of the first block of four draws; the next blocks count up the first word. */
export function philoxAddress(address: RandomAddress): {
  readonly key: readonly [number, number];
  readonly counter: Uint32Array<ArrayBuffer>;
} {
  return {
    key: [address.seed >>> 0, Math.floor(address.seed / 2 ** 32) >>> 0],
    counter: Uint32Array.of(
      0,
      address.step ?? 0,
      address.epoch ?? 0,
      (purposes[address.purpose] * 2 ** 24 + (address.stream ?? 0)) >>> 0,
    ),
  };
}

/** The stream of draws at one address. Two calls with the same address give the same draws. */
export function createRandom(address: RandomAddress): Random {
  const { key, counter } = philoxAddress(address);
  let block = new Uint32Array(4);
  let used = 4;

  function uint32(): number {
    if (used === 4) {
      block = philox4x32(counter, key);
      counter[0] = (counter[0] as number) + 1;
      used = 0;
    }
    return block[used++] as number;
  }

  function uniform(): number {
    return (uint32() >>> 8) * 2 ** -24;
  }

  function below(bound: number): number {
    const limit = 2 ** 32 - (2 ** 32 % bound);
    let draw = uint32();
    while (draw >= limit) draw = uint32();
    return draw % bound;
  }

  function normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - uniform()));
    return radius * Math.cos(2 * Math.PI * uniform());
  }

  return { uint32, uniform, below, normal };
}

/** The numbers 0 … length − 1 in an order drawn from `random` (Fisher–Yates). */
export function permutation(length: number, random: Random): Uint32Array {
  const order = Uint32Array.from({ length }, (_, index) => index);
  for (let last = length - 1; last > 0; last--) {
    const chosen = random.below(last + 1);
    const held = order[last] as number;
    order[last] = order[chosen] as number;
    order[chosen] = held;
  }
  return order;
}
