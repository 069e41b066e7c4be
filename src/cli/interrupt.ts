/**
 * Ctrl-C. Work that can stop gently is told to; a second Ctrl-C, or one at any other time, ends the process at once.
 * Either way the exit status is that of INTERRUPTED.
 */
import { RecurrentError } from '../core/errors.ts';
import { reportError } from './report-error.ts';
import type { Terminal } from './terminal/terminal.ts';

/** npm passes Ctrl-C on to a program that has had it from the terminal already: the two come within this time and are one. */
const sameKeystroke = 500; // ms

let stopGently: (() => void) | undefined;

/** Installs the handlers; called once, by the entry. */
export function watchInterrupts({ json }: { readonly json: boolean }): void {
  let previous = Number.NEGATIVE_INFINITY;
  const onSignal = () => {
    const now = performance.now();
    if (now - previous < sameKeystroke) return;
    previous = now;
    if (!stopGently) {
      const error = new RecurrentError('INTERRUPTED', 'the command was stopped', 'Run it again.');
      process.exit(reportError(error, { json }));
    }
    stopGently();
    stopGently = undefined;
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, onSignal);
}

/**
 * Runs `work` so that the first Ctrl-C aborts its signal instead of ending the process.
 * @param onStop is told of it
 */
export async function interruptible<T>(
  work: (signal: AbortSignal) => Promise<T>,
  onStop: () => void = () => {},
): Promise<T> {
  const controller = new AbortController();
  stopGently = () => {
    onStop();
    controller.abort();
  };
  try {
    return await work(controller.signal);
  } finally {
    stopGently = undefined;
  }
}

/** The same for training, which goes on to the end of its step. */
export function interruptibleTraining<T>(
  { progress }: Terminal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  return interruptible(work, () => {
    progress.stop();
    process.stderr.write('\nStopping after this step. Ctrl-C again leaves at once.\n');
  });
}
