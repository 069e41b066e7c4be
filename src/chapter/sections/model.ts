import { max, mean, min } from 'd3-array';
import type { EpochRecord } from '../../../models/checkpoint/state.ts';
import { zooModel } from '../../../models/zoo/zoo.ts';
import { formatBytes } from '../../core/format-bytes.ts';
import { formatCount } from '../../core/format-numbers.ts';
import { confusionChart } from '../../report/confusion-chart.ts';
import { accuracyChart, lossChart } from '../../report/history-charts.ts';
import { lineChart, type Series } from '../../report/line-chart.ts';
import { type AuthorsFigures, authors } from '../authors.ts';
import { type Html, html } from '../html.ts';
import { htmlFigure } from '../html-figure.ts';
import { htmlTable } from '../html-table.ts';
import type { ModelRuns, Outcome } from '../outcome.ts';

/** A model: its layers, its curves, its runs, what it takes for what. */
export function modelSection({ model, runs }: ModelRuns): Html {
  const [first] = runs;
  if (!first) return html``;
  const theirs: AuthorsFigures = authors[model];
  const { optimiser, learningRate, patience, batchSize, test } = first;
  return html`
<section aria-labelledby="${model}">
<h3 id="${model}">${model}</h3>
<p>${zooModel(model).summary}. ${optimiser}, learning rate ${learningRate}, batches of ${batchSize}, patience ${patience}.</p>
${htmlTable({
  caption: `Summary of ${model}: ${formatCount(first.parameters)} parameters (authors: ${formatCount(theirs.parameters)})`,
  columns: [{ head: 'layer', kind: 'text' }, { head: 'output shape' }, { head: 'parameters' }],
  rows: first.layers.map(({ layer, shape, parameters }) => [layer, shape, formatCount(parameters)]),
})}
<div class="charts">
${htmlFigure(`Loss of ${model}`, curves(model, runs, 'loss'))}
${htmlFigure(`Accuracy of ${model}`, curves(model, runs, 'accuracy'))}
</div>
${htmlTable({
  caption: `Runs of ${model}; the test figures are of the checkpoint as it was loaded from its file, and of the exported ONNX file`,
  columns: [
    { head: 'seed', kind: 'text' },
    ...[
      'epochs',
      'best',
      'val loss',
      'val accuracy',
      'test loss',
      'test accuracy',
      'ONNX test loss',
      'ONNX test accuracy',
      'ROC area',
      'ONNX file',
    ].map((head) => ({ head })),
  ],
  rows: runs.map(runRow),
})}
<p class="muted">Authors: validation loss ${theirs.validationLoss.toFixed(4)} and accuracy ${theirs.validationAccuracy.toFixed(4)}, of ${theirs.of}${theirs.testAccuracy === undefined ? '' : `; test accuracy ${theirs.testAccuracy.toFixed(4)}`}.</p>
<details><summary>What ${model} takes for what</summary>${htmlFigure(
    `Confusions of ${model}`,
    confusionChart({
      title: `${model}, seed ${first.seed}`,
      note: `the ${formatCount(test.texts)} texts of the test part`,
      labels: test.labels,
      counts: test.confusion,
    }),
  )}</details>
</section>`;
}

function runRow({ seed, history, bestEpoch, stoppedEarly, validation, test, onnx }: Outcome) {
  const four = (value: number) => value.toFixed(4);
  return [
    String(seed),
    `${history.length}${stoppedEarly ? '' : ' (not stopped early)'}`,
    String(bestEpoch),
    ...[validation.loss, validation.accuracy, test.loss, test.accuracy, onnx.loss, onnx.accuracy, test.area].map(four),
    formatBytes(onnx.bytes),
  ];
}

/** Of one run its own curves; of several the mean over those that came to an epoch, between the lowest and the highest. */
function curves(model: string, runs: readonly Outcome[], figure: 'loss' | 'accuracy'): string {
  const [first] = runs;
  const title = figure === 'loss' ? 'Loss' : 'Accuracy';
  const size = { width: 560, height: 340 };
  if (runs.length === 1 && first) {
    const about = { title, note: `${model}, seed ${first.seed}`, bestEpoch: first.bestEpoch, ...size };
    return figure === 'loss' ? lossChart(first.history, about) : accuracyChart(first.history, about);
  }
  const epochs = Math.max(...runs.map(({ history }) => history.length));
  const at = (epoch: number, of: (record: EpochRecord) => number | null) =>
    runs.flatMap(({ history }) => {
      const record = history[epoch - 1];
      return record ? (of(record) ?? []) : [];
    });
  const x = Array.from({ length: epochs }, (_, index) => index + 1);
  const series = (name: string, of: (record: EpochRecord) => number | null): Series => ({
    name,
    values: x.map((epoch) => mean(at(epoch, of)) ?? null),
    band: {
      low: x.map((epoch) => min(at(epoch, of)) ?? null),
      high: x.map((epoch) => max(at(epoch, of)) ?? null),
    },
  });
  const validation = figure === 'loss' ? 'validationLoss' : 'validationAccuracy';
  return lineChart({
    title,
    note: `${model}, ${runs.length} seeds: mean and range of those that came to the epoch`,
    xLabel: 'epoch',
    yLabel: figure,
    x,
    series: [
      { ...series('training', (record) => record[figure]), dashed: true },
      series('validation', (record) => record[validation]),
    ],
    percent: figure === 'accuracy',
    ...size,
  });
}
