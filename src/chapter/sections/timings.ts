import { median } from 'd3-array';
import { formatBytes } from '../../core/format-bytes.ts';
import { formatCount, formatSeconds } from '../../core/format-numbers.ts';
import { type AuthorsFigures, authors } from '../authors.ts';
import type { ChapterResults } from '../chapter.ts';
import { authorsSeconds, millisecondsPerStep, trainingSeconds } from '../figures.ts';
import { type Html, html } from '../html.ts';
import { htmlTable } from '../html-table.ts';
import { byModel, type ModelRuns, type Outcome } from '../outcome.ts';

export function timingSection({ runs, host, peakMemoryBytes }: ChapterResults): Html {
  return html`
<p>On ${host.cpu}, ${host.cores} cores, ${formatBytes(host.memoryBytes)} of memory, ${host.platform}, Node ${host.node}. A step is a batch of training; its time is the median epoch’s, validation and checkpoint included, by the number of steps, as Keras prints it. The authors’ are from a cloud machine with a GPU; their training is their epochs by their time of a step.</p>
${htmlTable({
  caption: 'Time, medians over the runs of a model',
  columns: [
    { head: 'model', kind: 'text' },
    { head: 'engine, threads', kind: 'text' },
    { head: 'ms a step' },
    { head: 'authors', kind: 'theirs' },
    { head: 'training' },
    { head: 'authors', kind: 'theirs' },
    { head: 'test part' },
    { head: 'export and test part, ONNX' },
    { head: 'parity' },
  ],
  rows: byModel(runs).map(timingRow),
})}
<p>This process held ${formatBytes(peakMemoryBytes)} at most${runs.length === 1 ? ', the reviews and the program among it' : ', all its runs, the reviews and the program among it'}.</p>`;
}

function timingRow({ model, runs }: ModelRuns) {
  const theirs: AuthorsFigures = authors[model];
  const ours = median(runs.flatMap((run) => millisecondsPerStep(run) ?? []));
  const [fastest, slowest] = theirs.millisecondsPerStep ?? [];
  const theirTraining = authorsSeconds(theirs, runs[0]?.stepsPerEpoch ?? 0);
  const middle = (of: (run: Outcome) => number | undefined) => {
    const seconds = median(runs.flatMap((run) => of(run) ?? []));
    return seconds === undefined ? '—' : formatSeconds(seconds);
  };
  return [
    model,
    [...new Set(runs.map(({ engine }) => `${engine.name}, ${formatCount(engine.threads)}`))].join('; '),
    ours === undefined ? '—' : ours.toFixed(2),
    fastest === undefined ? '—' : `${fastest}–${slowest}`,
    middle(trainingSeconds),
    theirTraining === undefined ? '—' : formatSeconds(theirTraining),
    middle(({ seconds }) => seconds.evaluation),
    middle(({ seconds }) => seconds.onnx),
    middle(({ seconds }) => seconds.parity),
  ];
}
