/** Metrics as commands print them. */
import { formatShare } from '../../core/format-numbers.ts';
import type { Metrics } from '../../training/metrics.ts';

export function metricsOf({ accuracy, loss, precision, recall, f1, auc }: Metrics): Metrics {
  return { accuracy, loss, precision, recall, f1, auc };
}

export function describeMetrics({ accuracy, loss, precision, recall, f1, auc }: Metrics) {
  return [
    ['accuracy', formatShare(accuracy)],
    ['loss', loss.toFixed(4)],
    ['precision', precision.toFixed(4)],
    ['recall', recall.toFixed(4)],
    ['F1', f1.toFixed(4)],
    ['AUC', auc?.toFixed(4) ?? 'none: it needs texts of every class'],
  ] as const;
}
