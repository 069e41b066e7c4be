import { type Command, Option } from 'commander';
import { fail } from '../../core/errors.ts';
import { formatBytes } from '../../core/format-bytes.ts';
import { formatCount } from '../../core/format-numbers.ts';
import { type FilledCache, fillCache } from '../../data/imdb/fill-cache.ts';
import { defineCommand, withExamples, withOptions } from '../command.ts';
import { interruptible } from '../interrupt.ts';
import { commandLine } from '../invocation.ts';
import { facts } from '../terminal/table.ts';
import type { TerminalOptions } from '../terminal/terminal.ts';

const from = new Option('--from <path>', 'the archive or the folder aclImdb, where you have it').conflicts('url');
const url = new Option('--url <address>', 'another place of the same archive');

interface Options extends TerminalOptions {
  readonly from?: string;
  readonly url?: string;
}

/** `recurrent data`: brings a data set into the cache. */
export function data(): Command {
  const command = defineCommand('data', 'fetch a data set: imdb', async (terminal, options: Options, name: string) => {
    if (name !== 'imdb') {
      fail('DATA_NOT_FOUND', `there is no data set ${name} to fetch`, 'It is imdb. The mails of spam come with npm.');
    }
    const { progress } = terminal;
    const filled = await interruptible(
      (signal) => fillCache({ from: options.from, url: options.url, progress, signal }),
      () => progress.stop(),
    );
    const { file, reviews, bytes, contents, how } = filled;
    terminal.answer(
      { ...filled },
      facts([
        [said[how], `${formatCount(reviews)} reviews in ${file} (${formatBytes(bytes)})`],
        ['SHA-256', `${contents}, as expected`],
        ['next', commandLine('train', 'lstm', '--data', 'imdb', '--out', 'runs/lstm')],
      ]),
    );
  })
    .usage('[options] imdb')
    .argument('<name>', 'imdb: the 50,000 labelled reviews of Maas et al., 2011');
  return withExamples(
    withOptions(command, from, url),
    'recurrent data imdb',
    'recurrent data imdb --from aclImdb_v1.tar.gz',
  );
}

const said = { kept: 'there already', read: 'read', fetched: 'fetched' } as const satisfies Record<
  FilledCache['how'],
  string
>;
