import { RecurrentError } from '../src/core/errors.ts';

/** What a call ends in when its signal is aborted; the signal's reason is the cause. */
export function aborted(signal: AbortSignal, what = 'the prediction'): RecurrentError {
  return new RecurrentError('INTERRUPTED', `${what} was aborted`, 'Ask again, if it is still wanted.', {
    cause: signal.reason,
  });
}

/**
 * What opens a model cannot be stopped in the middle, but need not be waited for: `free` gets what comes too late.
 *
 * @throws INTERRUPTED
 */
export function openUnlessAborted<Opened>(
  signal: AbortSignal | undefined,
  open: () => Promise<Opened>,
  free: (late: Opened) => Promise<void>,
): Promise<Opened> {
  if (!signal) return open();
  if (signal.aborted) return Promise.reject(aborted(signal, 'loading'));
  return new Promise((resolve, reject) => {
    const forget = onAbort(signal, () => {
      reject(aborted(signal, 'loading'));
      opening.then(free).catch(() => {}); // nobody waits for it any more
    });
    const opening = open();
    opening.then(resolve, reject).finally(forget);
  });
}

/** Who waits for a signal: it gets one listener, as Node warns of a leak when it has more than ten. */
const waiters = new WeakMap<AbortSignal, Set<() => void>>();

/** Calls back when `signal` is aborted, unless the function that it returns was called before. */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  const known = waiters.get(signal);
  const callbacks = known ?? new Set();
  const tell = () => {
    waiters.delete(signal);
    for (const each of callbacks) each();
  };
  if (!known) {
    waiters.set(signal, callbacks);
    signal.addEventListener('abort', tell, { once: true });
  }
  callbacks.add(callback);
  return () => callbacks.delete(callback);
}
