/** The options that the benchmarks share. */
import { availableParallelism } from 'node:os';
import { Option } from 'commander';
import { z } from 'zod';
import { type ContenderName, contenderNames } from '../bench/training/contender.ts';
import { type RecurrentKind, recurrentKinds } from '../bench/training/problems.ts';
import { fail } from '../core/errors.ts';
import { nearestNames } from '../core/nearest.ts';
import { numberParser } from './numbers.ts';

const threadCount = z.int().min(1).max(1024);

export const threads = new Option('--threads <counts>', 'numbers of threads, with commas between')
  .default(availableParallelism() > 1 ? [1, 2] : [1], availableParallelism() > 1 ? '1,2' : '1')
  .argParser((text) => [...new Set(text.split(',').map(numberParser('--threads', threadCount)))]);

export const svg = new Option('--svg <file>', 'draw a chart into this file');

export function seconds(standard: number): Option {
  return new Option('--seconds <x>', 'of timing, for each contender on each problem')
    .default(standard)
    .argParser(numberParser('--seconds', z.number().gt(0).max(3600)));
}

export function contenders(standard: readonly ContenderName[]): Option {
  return namesOption('--contenders', 'who is timed', contenderNames, standard);
}

export function layers(standard: readonly RecurrentKind[]): Option {
  return namesOption('--layers', 'kinds of recurrent layer', recurrentKinds, standard);
}

/** Some of `names`, with commas between. */
export function namesOption<Name extends string>(
  flag: string,
  description: string,
  names: readonly Name[],
  standard: readonly Name[] = names,
): Option {
  return new Option(`${flag} <names>`, `${description}, with commas between: ${names.join(', ')}`)
    .default(standard, standard.length === names.length ? 'all' : standard.join(','))
    .argParser((text) => [...new Set(text.split(',').map((name) => knownName(flag, name, names)))]);
}

function knownName<Name extends string>(flag: string, name: string, names: readonly Name[]): Name {
  const [nearest] = nearestNames(name, names);
  return (
    names.find((known) => known === name) ??
    fail(
      'OPTION_INVALID',
      `${flag}: there is no "${name}"`,
      nearest ? `Did you mean ${nearest}?` : `Choose among ${names.join(', ')}.`,
    )
  );
}
