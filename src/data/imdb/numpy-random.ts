/**
 * The generator behind NumPy's legacy `RandomState`, which `keras.datasets.imdb` and scikit-learn's `random_state`
 * draw from: MT19937 (Matsumoto and Nishimura, "Mersenne Twister", ACM TOMACS 8, 1998). NumPy froze its stream, so
 * that an order which it once drew can be drawn again here. Everything of the product's own is drawn by
 * `core/random.ts`.
 */

export interface LegacyRandom {
  /** Shuffles in place, as `RandomState.shuffle`. */
  shuffle(values: Int32Array): void;
  /** The numbers 0 … n − 1 in random order, as `RandomState.permutation(n)`. */
  permutation(n: number): Int32Array<ArrayBuffer>;
}

const size = 624;
const middle = 397;

/** @param seed below 2^32 */
export function createLegacyRandom(seed: number): LegacyRandom {
  const state = seededState(seed);
  let used = size;

  function uint32(): number {
    if (used === size) {
      twist(state);
      used = 0;
    }
    let y = state[used++] as number;
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  }

  /** A whole number in [0, highest]: bits are masked to the next power of two, and what is above is drawn again. */
  function upTo(highest: number): number {
    const mask = 2 ** (32 - Math.clz32(highest)) - 1;
    for (;;) {
      const value = (uint32() & mask) >>> 0;
      if (value <= highest) return value;
    }
  }

  function shuffle(values: Int32Array): void {
    for (let i = values.length - 1; i > 0; i--) {
      const j = upTo(i);
      const moved = values[i] as number;
      values[i] = values[j] as number;
      values[j] = moved;
    }
  }

  function permutation(n: number): Int32Array<ArrayBuffer> {
    const values = Int32Array.from({ length: n }, (_, index) => index);
    shuffle(values);
    return values;
  }

  return { shuffle, permutation };
}

/** `init_genrand` of the authors' code. */
function seededState(seed: number): Uint32Array {
  const state = new Uint32Array(size);
  state[0] = seed;
  for (let i = 1; i < size; i++) {
    const before = state[i - 1] as number;
    state[i] = Math.imul(1812433253, before ^ (before >>> 30)) + i;
  }
  return state;
}

/** The next 624 words. */
function twist(state: Uint32Array): void {
  for (let i = 0; i < size; i++) {
    const y = ((state[i] as number) & 0x80000000) | ((state[(i + 1) % size] as number) & 0x7fffffff);
    state[i] = (state[(i + middle) % size] as number) ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
  }
}
