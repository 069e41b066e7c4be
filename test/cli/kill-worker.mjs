/**
 * Loaded before the command line (NODE_OPTIONS=--import): ends the first worker thread that was started, from the moment
 * when the history at $KILL_WORKER_AFTER has three epochs.
 */
import { readFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import threads from 'node:worker_threads';

const history = process.env.KILL_WORKER_AFTER;
if (threads.isMainThread && history) {
  const { Worker } = threads;
  /** @type {threads.Worker | undefined} */
  let first;
  threads.Worker = class extends Worker {
    /** @param {ConstructorParameters<typeof Worker>} args */
    constructor(...args) {
      super(...args);
      first ??= this;
    }
  };
  syncBuiltinESMExports();
  const watch = setInterval(() => {
    if (first && epochsIn(history) >= 3) {
      clearInterval(watch);
      first.terminate();
    }
  }, 2);
  watch.unref();
}

/** @param {string} file */
function epochsIn(file) {
  try {
    return readFileSync(file, 'utf8').trimEnd().split('\n').length - 1;
  } catch {
    return 0;
  }
}
