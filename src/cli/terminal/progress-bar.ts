/** The progress port as a bar with the time left. cli-progress draws on a terminal only: a pipe or a log gets nothing. */
import { SingleBar } from 'cli-progress';
import type { Progress } from '../../core/progress.ts';
import { cut, printable } from './format.ts';

export function progressBar(stream: NodeJS.WriteStream): Progress {
  const bar = new SingleBar({
    stream,
    // A line that wraps would leave its first row behind each time that it is drawn anew.
    format: (_, { progress, eta }, { stage, note }) => cut(drawLine(progress, eta, stage, note), stream.columns || 80),
    // Smooths over steps of uneven length, such as the batches of an epoch and its validation.
    etaBuffer: 50,
    clearOnComplete: true,
    // Nothing that would have to be put right if the process is killed: no hidden cursor, no wrapping switched off.
    hideCursor: false,
    linewrap: true,
  });
  return {
    start: (stage, total) => bar.start(total, 0, { stage: printable(stage), note: '' }),
    update: (done, note) => bar.update(done, note === undefined ? {} : { note: ` · ${printable(note)}` }),
    stop: () => bar.stop(),
  };
}

const barSize = 16; // all of an epoch's line fits into 80 columns

function drawLine(progress: number, secondsLeft: number, stage: string, note: string): string {
  const done = Math.round(progress * barSize);
  const bar = `${'█'.repeat(done)}${'░'.repeat(barSize - done)}`;
  return `${stage.padEnd(12)} ${bar} ${Math.floor(100 * progress)} % · ${formatTimeLeft(secondsLeft)} left${note}`;
}

/** cli-progress gives NaN or Infinity until it has seen some work. */
function formatTimeLeft(seconds: number): string {
  if (!Number.isFinite(seconds)) return '…';
  const minutes = Math.floor(seconds / 60);
  return minutes ? `${minutes} min ${String(Math.round(seconds % 60)).padStart(2, '0')} s` : `${Math.round(seconds)} s`;
}
