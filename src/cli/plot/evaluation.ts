/** What a model makes of texts, as charts: confusions, ROC, lengths. */
import type { TrainedModel } from '../../../models/model.ts';
import { formatShare } from '../../core/format-numbers.ts';
import { lengthStatistics } from '../../data/length-statistics.ts';
import type { RocCurve } from '../../report/roc.ts';
import { type EvaluationReport, encodeFor, evaluate } from '../../training/evaluate.ts';
import { describeRun } from '../describe/run.ts';
import { openData } from '../open/data.ts';
import type { DataOptions } from '../options/data.ts';
import { type ChosenPart, choosePart, type Part } from '../options/split.ts';
import type { Terminal } from '../terminal/terminal.ts';
import type { Charts } from './pictures.ts';

/** Of an ROC: as many as colours and dashes tell apart. */
const mostCurves = 12;

interface Options extends DataOptions {
  readonly split?: Part;
  readonly batchSize?: number;
}

/** Evaluates a model on the texts that the options name. */
export async function drawEvaluation(terminal: Terminal, model: TrainedModel, options: Options) {
  const [{ confusionChart }, { rocChart }, { histogram }] = await Promise.all([
    import('../../report/confusion-chart.ts'),
    import('../../report/roc-chart.ts'),
    import('../../report/histogram.ts'),
  ]);
  const dataset = await openData(terminal, options);
  const part = choosePart(model.training, dataset, options.split);
  const report = await evaluate(model, part.texts, { batchSize: options.batchSize, progress: terminal.progress });
  const { accuracy, loss, examples, labels, confusion } = report;
  const curves = await rocCurves(report);
  const note = `${describeRun(model)}, ${part.note}`;
  const some = curves.length < report.labels.length - 1 ? `, ${curves.length} of ${report.labels.length} classes` : '';
  const areas = curves.map(({ name, curve }) => [name, curve.area] as const);
  const charts: Charts = {
    confusion: confusionChart({
      title: `Confusion matrix: ${formatShare(accuracy)} right`,
      note,
      labels,
      counts: confusion,
    }),
    roc: rocChart({ title: 'Receiver operating characteristic', note: `${note}${some}`, curves }),
    lengths: histogram({ title: 'Lengths of the texts', xLabel: 'words', ...lengthsOf(model, part) }),
  };
  return {
    charts,
    evaluation: { accuracy, loss, examples, split: part.split, areas: Object.fromEntries(areas) },
    facts: [
      ['accuracy', formatShare(accuracy)],
      ['loss', loss.toFixed(4)],
      ...areas.map(([name, area]) => [`area, ${name}`, area.toFixed(4)] as const),
      ['on', part.note],
    ] as const,
  };
}

/** Of two classes that of the second; of more, each of the most frequent against all others. A class that no text has, or every text, has none. */
async function rocCurves({
  labels,
  probabilities,
  targets,
}: EvaluationReport): Promise<{ name: string; curve: RocCurve }[]> {
  const { rocCurve } = await import('../../report/roc.ts');
  const counts = labels.map((_, label) => targets.filter((target) => target === label).length);
  const byCount = [...labels.keys()].sort((a, b) => (counts[b] ?? 0) - (counts[a] ?? 0));
  const columns = labels.length === 2 ? [1] : byCount.slice(0, mostCurves).sort((a, b) => a - b);
  return columns
    .map((column) => ({
      name: labels[column] ?? '',
      curve: rocCurve(
        Array.from(targets, (_, row) => probabilities[row * labels.length + column] ?? 0),
        Array.from(targets, (target) => target === column),
      ),
    }))
    .filter(({ curve }) => !Number.isNaN(curve.area));
}

function lengthsOf(model: TrainedModel, { texts, note }: ChosenPart) {
  const { maxLength } = model.preprocessing;
  const { lengths } = encodeFor(model, texts);
  const { median, truncated } = lengthStatistics(lengths, maxLength);
  return {
    values: lengths,
    note: `${note}; ${formatShare(truncated)} are cut`,
    marks: [
      { x: maxLength, label: `read: ${maxLength}` },
      { x: median, label: `median: ${median}` },
    ],
  };
}
