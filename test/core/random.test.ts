import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandom, permutation, philox4x32, type RandomAddress } from '../../src/core/random.ts';

const word = fc.integer({ min: 0, max: 2 ** 32 - 1 });

/** Philox4x32-10 again, from the paper's equations, in whole numbers of any length. */
function philoxInBigInts(counter: readonly number[], key: readonly number[]): number[] {
  const low = (x: bigint): bigint => x & 0xffffffffn;
  let [a, b, c, d] = counter.map(BigInt) as [bigint, bigint, bigint, bigint];
  let [k, l] = key.map(BigInt) as [bigint, bigint];
  for (let round = 0; round < 10; round++) {
    const first = 0xd2511f53n * a;
    const second = 0xcd9e8d57n * c;
    [a, b, c, d] = [(second >> 32n) ^ b ^ k, low(second), (first >> 32n) ^ d ^ l, low(first)];
    k = low(k + 0x9e3779b9n);
    l = low(l + 0xbb67ae85n);
  }
  return [a, b, c, d].map(Number);
}

/** Pearson's statistic of `counts` against equal shares. */
function chiSquare(counts: ArrayLike<number>): number {
  const total = Array.from(counts).reduce((sum, count) => sum + count, 0);
  const share = total / counts.length;
  return Array.from(counts).reduce((sum, count) => sum + (count - share) ** 2 / share, 0);
}

/**
 * Where chi-square with `degrees` degrees of freedom is exceeded once in a million (4.75 standard deviations of
 * a normal deviate, by Wilson and Hilferty's approximation). The draws are fixed by their seed, so a test that
 * passes once passes always; the bound says how odd a generator would have to be to fail.
 */
function oneInAMillion(degrees: number): number {
  const spread = 2 / (9 * degrees);
  return degrees * (1 - spread + 4.75 * Math.sqrt(spread)) ** 3;
}

const address: RandomAddress = { seed: 42, purpose: 'dropout', epoch: 3, step: 7, stream: 1 };

function draws(at: RandomAddress, count: number): number[] {
  const random = createRandom(at);
  return Array.from({ length: count }, () => random.uint32());
}

describe('philox4x32', () => {
  // The known answers that Random123, the authors' own library, publishes for philox4x32 with 10 rounds.
  it.each([
    ['00000000 00000000 00000000 00000000', '00000000 00000000', '6627e8d5 e169c58d bc57ac4c 9b00dbd8'],
    ['ffffffff ffffffff ffffffff ffffffff', 'ffffffff ffffffff', '408f276d 41c83b0e a20bc7c6 6d5451fd'],
    ['243f6a88 85a308d3 13198a2e 03707344', 'a4093822 299f31d0', 'd16cfe09 94fdcceb 5001e420 24126ea1'],
  ])('of %s under %s is %s', (counter, key, expected) => {
    const words = (text: string): number[] => text.split(' ').map((hex) => Number.parseInt(hex, 16));
    const [first = 0, second = 0] = words(key);
    expect([...philox4x32(Uint32Array.from(words(counter)), [first, second])]).toEqual(words(expected));
  });

  it('is the paper’s function for any counter and key', () => {
    fc.assert(
      fc.property(fc.tuple(word, word, word, word), fc.tuple(word, word), (counter, key) => {
        expect([...philox4x32(Uint32Array.from(counter), key)]).toEqual(philoxInBigInts(counter, key));
      }),
    );
  });
});

describe('createRandom', () => {
  it('puts every part of the address into the counter and the key', () => {
    const expected = [0, 1].flatMap((block) => philoxInBigInts([block, 7, 3, 3 * 2 ** 24 + 5], [123456789, 2]));
    const seed = 2 * 2 ** 32 + 123456789;
    expect(draws({ seed, purpose: 'dropout', epoch: 3, step: 7, stream: 5 }, 8)).toEqual(expected);
  });

  it('gives the same draws at the same address, whatever else is drawn meanwhile', () => {
    const [a, b, other] = [createRandom(address), createRandom(address), createRandom({ ...address, seed: 1 })];
    for (let index = 0; index < 100; index++) {
      const drawn = a.uint32();
      for (let more = 0; more < index % 3; more++) other.normal();
      expect(b.uint32()).toBe(drawn);
    }
  });

  it('gives other draws when any part of the address changes', () => {
    const addresses: RandomAddress[] = [
      address,
      { ...address, seed: 43 },
      { ...address, seed: 42 + 2 ** 32 },
      { ...address, seed: Number.MAX_SAFE_INTEGER },
      { ...address, purpose: 'recurrentDropout' },
      { ...address, purpose: 'shuffle' },
      { ...address, epoch: 7, step: 3 },
      { ...address, epoch: 4 },
      { ...address, step: 8 },
      { ...address, stream: 2 },
      { ...address, stream: 2 ** 24 - 1 },
    ];
    const first = addresses.map((at) => draws(at, 4).join());
    expect(new Set(first).size).toBe(addresses.length);
  });

  it('gives neighbouring addresses draws without correlation', () => {
    const count = 20_000;
    const centred = (at: RandomAddress): number[] => {
      const random = createRandom(at);
      return Array.from({ length: count }, () => random.uniform() - 0.5);
    };
    const here = centred(address);
    for (const next of [{ seed: 43 }, { epoch: 4 }, { step: 8 }, { stream: 2 }, { purpose: 'split' as const }]) {
      const there = centred({ ...address, ...next });
      const correlation = here.reduce((sum, x, index) => sum + x * (there[index] ?? 0), 0) / (count / 12);
      expect(Math.abs(correlation)).toBeLessThan(4.75 / Math.sqrt(count)); // one in a million
    }
  });

  it('spreads the bits of uint32 evenly', () => {
    const set = new Uint32Array(32);
    const pairs = new Uint32Array(256);
    const all = draws(address, 100_000);
    for (const [index, drawn] of all.entries()) {
      for (let bit = 0; bit < 32; bit++) set[bit] = (set[bit] ?? 0) + ((drawn >>> bit) & 1);
      const pair = (drawn >>> 28) * 16 + ((all[index - 1] ?? 0) >>> 28);
      if (index > 0) pairs[pair] = (pairs[pair] ?? 0) + 1;
    }
    for (const ones of set) expect(chiSquare([ones, all.length - ones])).toBeLessThan(oneInAMillion(1));
    expect(chiSquare(pairs)).toBeLessThan(oneInAMillion(255));
  });

  it('spreads uniform evenly over [0, 1), in steps that float32 holds exactly', () => {
    const random = createRandom(address);
    const bins = new Uint32Array(1000);
    const all = Array.from({ length: 100_000 }, () => random.uniform());
    expect(all.filter((drawn) => drawn < 0 || drawn >= 1 || Math.fround(drawn) !== drawn)).toEqual([]);
    for (const drawn of all) {
      bins[Math.floor(drawn * 1000)] = (bins[Math.floor(drawn * 1000)] ?? 0) + 1;
    }
    expect(chiSquare(bins)).toBeLessThan(oneInAMillion(999));
  });

  it.each([1, 2, 3, 7, 10, 256, 1000])('spreads below(%i) evenly', (bound) => {
    const random = createRandom(address);
    const counts = new Uint32Array(bound);
    for (let index = 0; index < 50_000; index++) {
      const drawn = random.below(bound);
      counts[drawn] = (counts[drawn] ?? 0) + 1;
    }
    expect(counts.reduce((sum, count) => sum + count)).toBe(50_000);
    if (bound > 1) expect(chiSquare(counts)).toBeLessThan(oneInAMillion(bound - 1));
  });

  it('has no modulo bias in below, where taking the remainder alone would double a third of the range', () => {
    const random = createRandom(address);
    const thirds = new Uint32Array(3);
    for (let index = 0; index < 30_000; index++) {
      const third = Math.floor(random.below(3 * 2 ** 30) / 2 ** 30);
      thirds[third] = (thirds[third] ?? 0) + 1;
    }
    expect(chiSquare(thirds)).toBeLessThan(oneInAMillion(2));
  });

  it('takes the whole range as a bound', () => {
    expect(createRandom(address).below(2 ** 32)).toBe(createRandom(address).uint32());
  });

  it('draws normal deviates: mean 0, variance 1, and the shares of the bell curve', () => {
    const random = createRandom(address);
    const count = 100_000;
    const all = Array.from({ length: count }, () => random.normal());
    const moment = (power: number): number => all.reduce((sum, x) => sum + x ** power, 0) / count;
    // 4.75 standard errors each; those of the moments are √(1/n), √(2/n), √(15/n) and √(96/n).
    expect(Math.abs(moment(1))).toBeLessThan(4.75 * Math.sqrt(1 / count));
    expect(Math.abs(moment(2) - 1)).toBeLessThan(4.75 * Math.sqrt(2 / count));
    expect(Math.abs(moment(3))).toBeLessThan(4.75 * Math.sqrt(15 / count));
    expect(Math.abs(moment(4) - 3)).toBeLessThan(4.75 * Math.sqrt(96 / count));
    const within = (bound: number): number => all.filter((x) => Math.abs(x) < bound).length / count;
    expect(within(1)).toBeCloseTo(0.6827, 2);
    expect(within(2)).toBeCloseTo(0.9545, 2);
    expect(all.every(Number.isFinite)).toBe(true);
  });
});

describe('permutation', () => {
  it('holds every index once', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 300 }), fc.maxSafeNat(), (length, seed) => {
        const order = permutation(length, createRandom({ seed, purpose: 'shuffle' }));
        expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length }, (_, index) => index));
      }),
    );
  });

  it('is fixed by its address', () => {
    const at = { seed: 5, purpose: 'shuffle', epoch: 2 } as const;
    expect(permutation(50, createRandom(at))).toEqual(permutation(50, createRandom(at)));
    expect(permutation(50, createRandom(at))).not.toEqual(permutation(50, createRandom({ ...at, epoch: 3 })));
  });

  it('draws all 24 orders of four things equally often', () => {
    const random = createRandom({ seed: 11, purpose: 'shuffle' });
    const counts = new Map<string, number>();
    for (let index = 0; index < 24_000; index++) {
      const order = permutation(4, random).join();
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(24);
    expect(chiSquare([...counts.values()])).toBeLessThan(oneInAMillion(23));
  });
});
