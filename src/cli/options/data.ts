/** How a command is told of its labelled texts. */
import { Option } from 'commander';
import { argumentsOf } from '../invocation.ts';

export const data = new Option(
  '--data <source>',
  'spam, imdb, a folder, a .csv, .tsv or .jsonl file (see docs/cli.md)',
);
export const textColumn = new Option('--text-column <name>', 'column or field of the text');
export const labelColumn = new Option('--label-column <name>', 'column or field of the label');

export const imdbPath = new Option('--imdb-path <path>', 'folder aclImdb or its archive, for --data imdb');

export const dataOptions: readonly Option[] = [data, textColumn, labelColumn, imdbPath];

export interface DataOptions {
  readonly data?: string | undefined;
  readonly textColumn?: string | undefined;
  readonly labelColumn?: string | undefined;
  readonly imdbPath?: string | undefined;
}

/** The options that name `source` again, for a command line to go on with. */
export function dataArguments(source: string, options: DataOptions): string[] {
  return ['--data', source, ...argumentsOf([textColumn, labelColumn, imdbPath], options)];
}
