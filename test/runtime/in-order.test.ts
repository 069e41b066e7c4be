/** Streams in order: back-pressure, slow sources, failures and ends on either side. */
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { inOrder } from '../../runtime/predict/in-order.ts';

async function collect<T>(results: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const each of results) all.push(each);
  return all;
}

test('results keep the order of the items, however long each takes', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(3)), fc.integer({ min: 1, max: 5 }), async (delays, window) => {
      let working = 0;
      const results = inOrder(delays.entries(), window, async ([index, delay]) => {
        expect(++working).toBeLessThanOrEqual(window);
        for (let turn = 0; turn < delay; turn++) await sleep(0);
        working--;
        return index;
      });
      expect(await collect(results)).toEqual([...delays.keys()]);
    }),
    { numRuns: 100 },
  );
});

test('no more is taken from the source than the window, while nobody takes results', async () => {
  let taken = 0;
  function* source() {
    for (;;) yield taken++;
  }
  const results = inOrder(source(), 5, async (item) => item);
  expect(await results.next()).toEqual({ done: false, value: 0 });
  await sleep(20);
  expect(taken).toBeLessThanOrEqual(6);
  expect(await results.next()).toEqual({ done: false, value: 1 });
  await sleep(20);
  expect(taken).toBeLessThanOrEqual(7);
  await results.return();
});

test('a slow source does not hold back results that are ready', async () => {
  let goOn = () => {};
  const waits = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  async function* source() {
    yield 'first';
    await waits;
    yield 'second';
  }
  const results = inOrder(source(), 10, async (item) => item);
  expect((await results.next()).value).toBe('first'); // or never: the source goes on after it
  goOn();
  expect((await results.next()).value).toBe('second');
  expect((await results.next()).done).toBe(true);
});

describe('a failure', () => {
  test('of the source comes after the results before it', async () => {
    async function* source() {
      yield 1;
      yield 2;
      throw new Error('the disk is gone');
    }
    const seen: number[] = [];
    const reading = (async () => {
      for await (const each of inOrder(source(), 10, async (item) => item)) seen.push(each);
    })();
    await expect(reading).rejects.toThrow('the disk is gone');
    expect(seen).toEqual([1, 2]);
  });

  test('of one item ends the stream in its place, closes the source and aborts what is under way', async () => {
    let closed = false;
    let stopped = 0;
    function* source() {
      try {
        for (let item = 0; ; item++) yield item;
      } finally {
        closed = true;
      }
    }
    const seen: number[] = [];
    const reading = (async () => {
      const work = async (item: number, signal: AbortSignal) => {
        if (item < 3) return item;
        if (item === 3) throw new Error('this one');
        await new Promise((_, reject) => {
          signal.addEventListener('abort', () => {
            stopped++;
            reject(signal.reason);
          });
        });
        return item;
      };
      for await (const each of inOrder(source(), 6, work)) seen.push(each);
    })();
    await expect(reading).rejects.toThrow('this one');
    expect(seen).toEqual([0, 1, 2]);
    expect(closed).toBe(true);
    expect(stopped).toBeGreaterThan(0);
  });
});

describe('an abort', () => {
  test('is heard while the source gives nothing', async () => {
    const controller = new AbortController();
    async function* source() {
      yield 1;
      await new Promise(() => {}); // for ever
    }
    const results = inOrder(source(), 3, async (item) => item, controller.signal);
    expect((await results.next()).value).toBe(1);
    setTimeout(() => controller.abort(new Error('enough')), 20);
    await expect(results.next()).rejects.toMatchObject({ code: 'INTERRUPTED', cause: new Error('enough') });
  });

  test('is heard while an item is being worked on, and stops it', async () => {
    const controller = new AbortController();
    let stopped = false;
    const work = (_: number, signal: AbortSignal) =>
      new Promise<number>(() => {
        signal.addEventListener('abort', () => {
          stopped = true;
        });
      });
    const results = inOrder([1, 2], 3, work, controller.signal);
    setTimeout(() => controller.abort(), 20);
    await expect(results.next()).rejects.toMatchObject({ code: 'INTERRUPTED' });
    expect(stopped).toBe(true);
  });

  test('that came before touches no source', async () => {
    let taken = 0;
    function* source() {
      yield taken++;
    }
    const results = inOrder(source(), 3, async (item) => item, AbortSignal.abort());
    await expect(results.next()).rejects.toMatchObject({ code: 'INTERRUPTED' });
    expect(taken).toBe(0);
  });
});
