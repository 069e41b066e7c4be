/** Labelled texts as a person is told of them. */

import { formatCount, formatCountOf } from '../../core/format-numbers.ts';
import type { Dataset } from '../../data/dataset.ts';
import { loadDataset } from '../../data/load.ts';
import { required } from '../command.ts';
import { type DataOptions, data } from '../options/data.ts';
import { printable } from '../terminal/format.ts';
import type { Terminal } from '../terminal/terminal.ts';

/** Reads the texts that the options name and says what they are. @throws OPTION_INVALID without `--data`; what `loadDataset` throws */
export async function openData(terminal: Terminal, options: DataOptions): Promise<Dataset> {
  const { textColumn, labelColumn, imdbPath } = options;
  const { progress } = terminal;
  const dataset = await loadDataset(required(options.data, data.flags), {
    textColumn,
    labelColumn,
    imdbPath,
    progress,
  });
  terminal.say(describeDataset(dataset));
  return dataset;
}

export function describeDataset({ source, labels, examples, notes }: Dataset): string {
  const counts = labels.map((name, label) => {
    return `${printable(name)} ${formatCount(examples.filter((example) => example.label === label).length)}`;
  });
  return [
    `${source}: ${formatCountOf(examples.length, 'text')} (${counts.join(', ')}).`,
    ...notes.map((note) => `  ${printable(note)}`),
  ].join('\n');
}
