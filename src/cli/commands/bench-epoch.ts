import type { Command } from 'commander';
import { z } from 'zod';
import { defineCommand, withExamples, withOptions } from '../command.ts';
import { describeAbsences, describeEpochs, describeMachine } from '../describe/bench.ts';
import { threads } from '../options/bench.ts';
import { number } from '../options/kinds.ts';
import { namesOption } from '../options/names.ts';
import type { TerminalOptions } from '../terminal/terminal.ts';

const epochContenders = ['wasm', 'onnxruntime', 'js'] as const;

const contenders = namesOption('--contenders', 'which engines', epochContenders, ['wasm', 'onnxruntime']);
const counts = z.int().min(1).max(1000);
const epochs = number('--epochs <n>', 'epochs to time with each engine, after one to warm up', counts).default(5);

interface Options extends TerminalOptions {
  readonly contenders: readonly (typeof epochContenders)[number][];
  readonly threads: readonly number[];
  readonly epochs: number;
}

/** `recurrent bench epoch`: an epoch of the chapter's LSTM over 20,000 reviews, with its validation on 5,000. */
export function benchEpoch(): Command {
  const command = defineCommand(
    'epoch',
    'time an epoch of the IMDB LSTM: 20,000 reviews, and 5,000 to validate',
    async (terminal, options: Options) => {
      const { measureEpochs } = await import('../../bench/training/epoch.ts');
      const { machine, rows, missing, noReviews } = await measureEpochs({ ...options, progress: terminal.progress });
      if (noReviews) terminal.warn(`ids come from mails, not from reviews: ${noReviews}`);
      for (const line of describeAbsences(missing, [], 1)) terminal.warn(line);
      terminal.answer({ machine, rows }, [describeMachine(machine), describeEpochs(rows)].join('\n\n'));
    },
  );
  return withExamples(
    withOptions(command, contenders, threads, epochs),
    'recurrent bench epoch',
    'recurrent bench epoch --contenders wasm --threads 2 --epochs 20 --json',
  );
}
