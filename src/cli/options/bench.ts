/** The options that the benchmarks share. */
import { availableParallelism } from 'node:os';
import { Option } from 'commander';
import { z } from 'zod';
import { type ContenderName, contenderNames } from '../../bench/training/contender.ts';
import { type RecurrentKind, recurrentKinds } from '../../bench/training/problems.ts';
import { number } from './kinds.ts';
import { namesOption } from './names.ts';
import { numberParser } from './number-parser.ts';

const threadCount = z.int().min(1).max(1024);

export const threads = new Option('--threads <counts>', 'numbers of threads, with commas between')
  .default(availableParallelism() > 1 ? [1, 2] : [1], availableParallelism() > 1 ? '1,2' : '1')
  .argParser((text) => [...new Set(text.split(',').map(numberParser('--threads', threadCount)))]);

export const svg = new Option('--svg <file>', 'draw a chart into this file');

export function seconds(standard: number): Option {
  const range = z.number().gt(0).max(3600);
  return number('--seconds <x>', 'seconds of timing, for each contender on each problem', range).default(standard);
}

export function contenders(standard: readonly ContenderName[]): Option {
  return namesOption('--contenders', 'who is timed', contenderNames, standard);
}

export function layers(standard: readonly RecurrentKind[]): Option {
  return namesOption('--layers', 'kinds of recurrent layer', recurrentKinds, standard);
}
