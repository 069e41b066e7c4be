/** For engines whose calls all work in the same memory and take more than one turn of the event loop. */
import type { Batch } from '../engine.ts';

/** @returns what does each piece of work when those before it have ended, well or not */
export function oneAtATime(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const result = last.then(work, work);
    last = result;
    return result;
  };
}

/** The batch as it is now, for work that begins later: the caller fills the same arrays with the next one. */
export function copyBatch({ rows, time, ids, targets, initialStates }: Batch): Batch {
  const states = initialStates && new Map([...initialStates].map(([name, values]) => [name, values.slice()]));
  return { rows, time, ids: ids.slice(), targets: targets.slice(), initialStates: states };
}
