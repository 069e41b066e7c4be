/** Labelled texts as a person is told of them. */
import type { Dataset, Example } from '../data/dataset.ts';
import { loadDataset } from '../data/load.ts';
import type { LabelledTexts } from '../training/evaluate.ts';
import { required } from './command.ts';
import { type DataOptions, data } from './options.ts';
import { formatCount, formatCountOf, printable } from './terminal/format.ts';
import type { Terminal } from './terminal/terminal.ts';

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

/** The texts of one part of a split. */
export function partOf({ labels, examples, recipe }: Dataset, part: Int32Array): LabelledTexts {
  return { labels, examples: Array.from(part, (index) => examples[index] as Example), recipe };
}
