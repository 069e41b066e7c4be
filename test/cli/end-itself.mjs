/**
 * Loaded before the command line (NODE_OPTIONS=--import): once there is a file $END_ONCE, the process sends itself $END_BY.
 * Whoever watched it from outside could be late. A lock has to be its own.
 */
import { existsSync, readFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

const { END_ONCE: file = '', END_BY: signal = '' } = process.env;
if (isMainThread && file !== '') {
  const watch = setInterval(() => {
    if (!existsSync(file)) return;
    if (file.endsWith('.lock') && !readFileSync(file, 'utf8').startsWith(`${process.pid} `)) return;
    clearInterval(watch);
    process.kill(process.pid, signal);
  }, 1).unref();
}
