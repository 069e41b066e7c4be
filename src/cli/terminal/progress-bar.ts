/** The progress port as a bar with the time left. cli-progress draws on a terminal only: a pipe or a log gets nothing. */
import { SingleBar } from 'cli-progress';
import type { Progress } from '../../core/progress.ts';

export function progressBar(stream: NodeJS.WriteStream): Progress {
  const bar = new SingleBar({
    stream,
    format: '{stage} {bar} {percentage} % · {eta_formatted} left{note}',
    barCompleteChar: '█',
    barIncompleteChar: '░',
    barsize: 16, // all of an epoch's line fits into 80 columns
    // Smooths over steps of uneven length, such as the batches of an epoch and its validation.
    etaBuffer: 50,
    clearOnComplete: true,
    formatTime: formatTimeLeft,
    // Nothing that would have to be put right if the process is killed: no hidden cursor, no wrapping switched off.
    hideCursor: false,
    linewrap: true,
  });
  return {
    start: (stage, total) => bar.start(total, 0, { stage: stage.padEnd(12), note: '' }),
    update: (done, note) => bar.update(done, note === undefined ? {} : { note: ` · ${note}` }),
    stop: () => bar.stop(),
  };
}

/** cli-progress gives NaN or Infinity until it has seen some work. */
function formatTimeLeft(seconds: number): string {
  if (!Number.isFinite(seconds)) return '…';
  const minutes = Math.floor(seconds / 60);
  return minutes ? `${minutes} min ${String(Math.round(seconds % 60)).padStart(2, '0')} s` : `${Math.round(seconds)} s`;
}
