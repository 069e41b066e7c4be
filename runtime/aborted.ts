import { RecurrentError } from '../src/core/errors.ts';

/** What a prediction ends in when its signal is aborted; the signal's reason is the cause. */
export function aborted(signal: AbortSignal): RecurrentError {
  return new RecurrentError('INTERRUPTED', 'the prediction was aborted', 'Ask again, if it is still wanted.', {
    cause: signal.reason,
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
