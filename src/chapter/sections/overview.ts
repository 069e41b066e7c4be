import type { ChapterModel } from '../../../models/zoo/chapter-models.ts';
import { formatCount, formatSeconds, formatSmall } from '../../core/format-numbers.ts';
import { stripChart } from '../../report/strip-chart.ts';
import { type AuthorsFigures, authors, authorsSource } from '../authors.ts';
import type { ChapterResults } from '../chapter.ts';
import { deviationsFrom, writeSpread } from '../figures.ts';
import { type Html, html } from '../html.ts';
import { htmlFigure } from '../html-figure.ts';
import { htmlTable } from '../html-table.ts';
import { byModel, type Outcome } from '../outcome.ts';

/** The figures to begin with. */
export function cards({ runs, seconds, keptRuns }: ChapterResults): Html {
  const flips = runs.reduce((sum, { parity }) => sum + parity.flips, 0);
  const error = Math.max(...runs.map(({ parity }) => parity.maxAbsError));
  const best = runs.toSorted((a, b) => b.test.accuracy - a.test.accuracy)[0];
  const texts = runs.reduce((sum, { parity }) => sum + parity.texts, 0);
  const card = (name: string, value: string, more: string) =>
    html`<div><dt>${name}</dt><dd>${value} <small>${more}</small></dd></div>`;
  return html`<dl class="cards">
${card('models', String(byModel(runs).length), `${formatCount(runs.length)} runs`)}
${best ? card('best on the test part', best.test.accuracy.toFixed(4), `${best.model}, seed ${best.seed}`) : ''}
${card('label flips', String(flips), `${formatCount(texts)} comparisons of a text`)}
${card('largest error', formatSmall(error), 'of a probability, against float64')}
${card('time', formatSeconds(seconds), keptRuns ? `${keptRuns} runs were there already` : 'training to parity')}
</dl>`;
}

/** Ours beside theirs. */
export function comparison({ runs, seeds }: ChapterResults): Html {
  const groups = byModel(runs);
  const several = seeds.length > 1;
  return html`
<p>${several ? `Mean ± standard deviation over ${seeds.length} seeds${seeds.length > 2 ? '; σ says how many of these deviations the authors’ figure lies from our mean' : ''}.` : 'One seed: single runs of these models vary by about a hundredth of accuracy with the seed.'}
Figures in grey are the authors’, from the ${authorsSource}. Ours are of the best epoch, whose weights are kept; what theirs are of is said below each model.</p>
${htmlTable({
  caption: 'The models of the chapter, beside the authors’ figures',
  columns: [
    { head: 'model', kind: 'text' },
    { head: 'parameters' },
    { head: 'epochs' },
    { head: 'validation loss' },
    { head: 'validation accuracy' },
    { head: 'test accuracy' },
  ],
  rows: groups.map(({ model, runs: own }) => comparisonRow(model, own)),
})}
${htmlFigure(
  'Validation accuracy, beside the authors’',
  stripChart({
    title: 'Validation accuracy, beside the authors’',
    note: several ? `${seeds.length} seeds; the line is their mean` : undefined,
    xLabel: 'validation accuracy',
    rows: groups.map(({ model, runs: own }) => ({
      name: model,
      values: own.map(({ validation }) => validation.accuracy),
      other: authors[model].validationAccuracy,
    })),
    names: { value: several ? 'a seed' : 'this run', other: 'the authors' },
    percent: true,
    width: 760,
  }),
)}`;
}

function comparisonRow(model: ChapterModel, runs: readonly Outcome[]) {
  const theirs: AuthorsFigures = authors[model];
  const losses = runs.map(({ validation }) => validation.loss);
  const accuracies = runs.map(({ validation }) => validation.accuracy);
  const tests = runs.map(({ test }) => test.accuracy);
  const epochs = runs.map(({ history }) => history.length);
  return [
    html`<a href="#${model}">${model}</a>`,
    formatCount(runs[0]?.parameters ?? 0),
    beside(writeSpread(epochs, runs.length > 1 ? 1 : 0), String(theirs.epochs)),
    beside(writeSpread(losses), withDistance(losses, theirs.validationLoss)),
    beside(writeSpread(accuracies), withDistance(accuracies, theirs.validationAccuracy)),
    beside(
      writeSpread(tests),
      theirs.testAccuracy === undefined ? undefined : withDistance(tests, theirs.testAccuracy),
    ),
  ];
}

function beside(ours: string, theirs: string | undefined): Html {
  return theirs === undefined ? html`${ours}` : html`${ours} <small class="theirs">authors ${theirs}</small>`;
}

/** The authors' figure, and how many standard deviations of ours it lies from our mean. */
function withDistance(values: readonly number[], figure: number): string {
  const distance = deviationsFrom(values, figure);
  if (distance === undefined) return figure.toFixed(4);
  return `${figure.toFixed(4)} (${distance < 0 ? '−' : '+'}${Math.abs(distance).toFixed(1)} σ)`;
}
