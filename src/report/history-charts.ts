/** The history of a run as charts: training dashed, validation whole, the epoch of the best model marked. */
import type { EpochRecord } from '../../models/checkpoint/state.ts';
import { lineChart } from './line-chart.ts';

/** What a chart of a run says besides its curves. */
export interface HistoryChart {
  /** Above the chart. */
  readonly title?: string | undefined;
  /** Below the title. */
  readonly note?: string | undefined;
  /** Marked by a line. */
  readonly bestEpoch?: number | undefined;
}

/** What the curves show of an epoch. */
export type ChartedEpoch = Pick<EpochRecord, 'epoch' | 'loss' | 'accuracy' | 'validationLoss' | 'validationAccuracy'>;

/** Training and validation loss over the epochs. @returns an `<svg>` for a file or a page */
export function lossChart(history: readonly ChartedEpoch[], { title = 'Loss', ...chart }: HistoryChart = {}): string {
  return curves(history, { title, ...chart }, 'loss', 'validationLoss');
}

/** The same of the accuracy. @returns an `<svg>` for a file or a page */
export function accuracyChart(
  history: readonly ChartedEpoch[],
  { title = 'Accuracy', ...chart }: HistoryChart = {},
): string {
  return curves(history, { title, ...chart }, 'accuracy', 'validationAccuracy');
}

function curves(
  history: readonly ChartedEpoch[],
  { title, note, bestEpoch }: HistoryChart & { readonly title: string },
  training: 'loss' | 'accuracy',
  validation: 'validationLoss' | 'validationAccuracy',
): string {
  const validated = history.some((record) => record[validation] !== null);
  return lineChart({
    title,
    note,
    xLabel: 'epoch',
    yLabel: training,
    x: history.map(({ epoch }) => epoch),
    series: [
      { name: 'training', values: history.map((record) => record[training]), dashed: validated },
      ...(validated ? [{ name: 'validation', values: history.map((record) => record[validation]) }] : []),
    ],
    marks: bestEpoch ? [{ x: bestEpoch, label: `best: epoch ${bestEpoch}` }] : [],
    percent: training === 'accuracy',
  });
}
