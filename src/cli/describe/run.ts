/** Charts of a run as the commands show them. */
import type { EpochRecord } from '../../../models/checkpoint/state.ts';
import type { TrainedModel } from '../../../models/model.ts';
import type { Terminal } from '../terminal/terminal.ts';

/** What was trained on what: a chart's second line. */
export function describeRun({ spec, training }: TrainedModel): string {
  return training ? `${spec.name} on ${training.source}` : spec.name;
}

/** The losses in a few lines of text; undefined where there are too few epochs, or columns. */
export async function lossCurve(terminal: Terminal, history: readonly EpochRecord[]): Promise<string | undefined> {
  const { terminalChart } = await import('../../report/terminal-chart.ts');
  const validated = history.some(({ validationLoss }) => validationLoss !== null);
  const { isColorSupported, blue, yellow } = terminal.colours;
  return terminalChart({
    title: 'Loss',
    xLabel: 'epochs',
    x: history.map(({ epoch }) => epoch),
    series: [
      { name: 'training', values: history.map(({ loss }) => loss) },
      ...(validated ? [{ name: 'validation', values: history.map(({ validationLoss }) => validationLoss) }] : []),
    ],
    width: process.stdout.columns || 80,
    paint: isColorSupported ? [blue, yellow] : undefined,
  });
}
