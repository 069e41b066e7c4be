import { formatCount, formatSmall } from '../../core/format-numbers.ts';
import { tolerances } from '../../parity/tolerances.ts';
import { rocChart } from '../../report/roc-chart.ts';
import type { ChapterResults } from '../chapter.ts';
import { type Html, html } from '../html.ts';
import { htmlFigure } from '../html-figure.ts';
import { htmlTable } from '../html-table.ts';
import { byModel } from '../outcome.ts';

export function testSection({ runs }: ChapterResults): Html {
  const firsts = byModel(runs).flatMap((group) => group.runs.slice(0, 1));
  const label = firsts[0]?.test.labels[1] ?? '';
  return html`
<p>Each model’s best checkpoint, loaded from its file, on the test part, which neither training nor early stopping has seen; scores for <q>${label}</q>.</p>
${htmlFigure(
  'Receiver operating characteristic',
  rocChart({
    title: 'Receiver operating characteristic',
    note: `test part, seed ${firsts[0]?.seed ?? 0}`,
    curves: firsts.map(({ model, test }) => ({ name: model, curve: { points: test.roc, area: test.area } })),
    width: 620,
  }),
)}`;
}

/** Every way to compute a model against every other. */
export function paritySection({ runs, parityTexts }: ChapterResults): Html {
  const skipped = [
    ...new Map(runs.flatMap(({ parity }) => parity.skipped.map(({ name, reason }) => [name, reason]))).entries(),
  ];
  return html`
<p>The same ${formatCount(parityTexts)} texts of the test part through the float64 reference, the training engines and the exported file in onnxruntime. An error is the largest difference of a probability from float64. A label flips where two of them decide otherwise; where the margin is below the tolerance of ${formatSmall(tolerances.float32.probability)}, that is a tie and counted apart. A text is sensitive where float32 weights leave its answer open by more than the tolerance.</p>
${htmlTable({
  caption: 'Label flips, margins, and the largest error of each runner against float64',
  columns: [
    { head: 'model and seed', kind: 'text' },
    { head: 'texts' },
    { head: 'flips' },
    { head: 'ties' },
    { head: 'sensitive' },
    { head: 'smallest margin' },
    ...runnerNames(runs).map((head) => ({ head })),
    { head: 'verdict' },
  ],
  rows: runs.map(({ model, seed, parity }) => [
    `${model}, ${seed}`,
    formatCount(parity.texts),
    String(parity.flips),
    String(parity.ties),
    String(parity.sensitive),
    formatSmall(parity.smallestMargin),
    ...runnerNames(runs).map((name) => {
      const found = parity.runners.find((runner) => runner.name === name);
      return found ? formatSmall(found.maxAbsError) : '—';
    }),
    parity.passed ? html`<span class="good">equal</span>` : html`<span class="bad">differs</span>`,
  ]),
})}
${skipped.map(([name, reason]) => html`<p class="muted">Not run: ${name}: ${reason}</p>`)}`;
}

function runnerNames(runs: ChapterResults['runs']): string[] {
  return [...new Set(runs.flatMap(({ parity }) => parity.runners.map(({ name }) => name)))].filter(
    (name) => name !== 'reference',
  );
}
