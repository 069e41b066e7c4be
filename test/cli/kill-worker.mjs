/**
 * Loaded before the command line (NODE_OPTIONS=--import): once the history at $KILL_WORKER_AFTER has three epochs, a
 * worker thread dies. With $KILL_WORKER=terminate the first one is ended wherever it stands; with =exit each ends itself
 * between two pieces of work.
 */
import { readFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import threads from 'node:worker_threads';

const { KILL_WORKER_AFTER: history, KILL_WORKER: way } = process.env;
if (threads.isMainThread && history) {
  const { Worker } = threads;
  /** @type {threads.Worker | undefined} */
  let first;
  threads.Worker = class extends Worker {
    /** @param {ConstructorParameters<typeof Worker>} args */
    constructor(...[source, options]) {
      super(way === 'exit' ? `(${exitAfter})(${JSON.stringify(history)});${source}` : source, options);
      first ??= this;
    }
  };
  syncBuiltinESMExports();
  if (way === 'terminate') {
    const watch = setInterval(() => {
      if (!first || epochsIn(history) < 3) return;
      clearInterval(watch);
      first.terminate();
    }, 2);
    watch.unref();
  }
}

/** @param {string} file */
function epochsIn(file) {
  try {
    return readFileSync(file, 'utf8').trimEnd().split('\n').length - 1;
  } catch {
    return 0;
  }
}

/**
 * Runs in the worker, from its source.
 * @param {string} file
 */
function exitAfter(file) {
  const fs = require('node:fs');
  setInterval(() => {
    if (fs.existsSync(file) && fs.readFileSync(file, 'utf8').trimEnd().split('\n').length > 3) process.exit(9);
  }, 2).unref();
}
