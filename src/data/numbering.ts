/** Numbers pairs of whole numbers from 0 in the order in which they are first met. */
export interface Numbering {
  /**
   * @param high a safe integer ≥ 0
   * @param low below 2^31
   */
  numberOf(high: number, low: number): number;
}

/**
 * An open-addressing hash table. A `Map` would hold at most 2^24 keys and keep each on the heap; the three-word
 * runs of a large data set are more.
 */
export function createNumbering(): Numbering {
  let capacity = 1024;
  let highs = new Float64Array(capacity).fill(-1);
  let lows = new Int32Array(capacity);
  let numbers = new Int32Array(capacity);
  let count = 0;

  /** Where the pair is, or the free place where it goes. */
  function placeOf(high: number, low: number): number {
    let place = mix((high >>> 0) ^ mix((high / 2 ** 32) ^ mix(low))) & (capacity - 1);
    while (highs[place] !== -1 && (highs[place] !== high || lows[place] !== low)) place = (place + 1) & (capacity - 1);
    return place;
  }

  function put(place: number, high: number, low: number, number: number): void {
    highs[place] = high;
    lows[place] = low;
    numbers[place] = number;
  }

  function grow(): void {
    const old = { highs, lows, numbers };
    capacity *= 2;
    highs = new Float64Array(capacity).fill(-1);
    lows = new Int32Array(capacity);
    numbers = new Int32Array(capacity);
    for (let at = 0; at < old.highs.length; at++) {
      const high = old.highs[at] as number;
      const low = old.lows[at] as number;
      if (high !== -1) put(placeOf(high, low), high, low, old.numbers[at] as number);
    }
  }

  function numberOf(high: number, low: number): number {
    const place = placeOf(high, low);
    if (highs[place] !== -1) return numbers[place] as number;
    put(place, high, low, count++);
    if (count > capacity * 0.6) grow();
    return count - 1;
  }

  return { numberOf };
}

/** Spreads the 32 low bits of `value`: the finaliser of MurmurHash3. */
function mix(value: number): number {
  let mixed = value >>> 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
