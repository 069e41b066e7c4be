import { setImmediate as nextTurn } from 'node:timers/promises';

/** Long enough not to count among steps of a millisecond, short enough not to be felt. */
const interval = 20; // ms

/** Lets signals and timers in, now and then: call it after each piece of work. */
export function createBreather(): () => Promise<void> {
  let last = performance.now();
  return async () => {
    if (performance.now() - last < interval) return;
    await nextTurn();
    last = performance.now();
  };
}
