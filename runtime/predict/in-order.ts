import { aborted, onAbort } from '../abort.ts';

/** A result that is worked on, or there. */
interface Place<Result> {
  readonly promise: Promise<Result>;
  settled: boolean;
}

/**
 * Results of a stream in its order, while several are being worked on. Back-pressure: at most `window` items are taken
 * from the source ahead of what the consumer has taken. A slow source does not hold back results that are ready.
 *
 * @param work gets a signal that is aborted when the consumer stops or `signal` is aborted
 * @throws INTERRUPTED, and what the source or `work` throws, once all results before it were given out
 */
export async function* inOrder<Item, Result>(
  source: AsyncIterable<Item> | Iterable<Item>,
  window: number,
  work: (item: Item, signal: AbortSignal) => Promise<Result>,
  signal?: AbortSignal,
): AsyncGenerator<Result, void, undefined> {
  if (signal?.aborted) throw aborted(signal);
  const items = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
  const places: Place<Result>[] = [];
  const stop = new AbortController();
  let taking = false;
  let ended = false;
  // Not a race of promises: each race would leave a trace in the ones that stay open for the whole stream.
  let wake = () => {};
  const forget = signal && onAbort(signal, () => wake());

  function add(promise: Promise<Result>): void {
    const place: Place<Result> = { promise, settled: false };
    const settle = () => {
      place.settled = true;
      wake();
    };
    promise.then(settle, settle);
    places.push(place);
  }

  async function take(): Promise<void> {
    taking = true;
    try {
      const { done, value } = await items.next();
      if (done) ended = true;
      else add(work(value, stop.signal));
    } catch (error) {
      ended = true;
      add(Promise.reject(error));
    }
    taking = false;
    wake();
  }

  try {
    for (;;) {
      if (signal?.aborted) throw aborted(signal);
      if (!ended && !taking && places.length < window) void take();
      const [first] = places;
      if (first?.settled) {
        places.shift();
        yield await first.promise;
      } else {
        if (first === undefined && !taking) return;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  } finally {
    forget?.();
    stop.abort(signal?.reason);
    // A source that never gives the item asked for would never return, either.
    const returned = Promise.resolve(ended ? undefined : items.return?.());
    if (taking) returned.catch(() => {});
    else await returned;
  }
}
