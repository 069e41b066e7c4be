/** Training as a person watches it: facts of the data, summary of the model, a line an epoch, Ctrl-C. Used by `train` and `demo`. */
import type { EpochRecord } from '../../models/checkpoint/state.ts';
import { summary } from '../../models/summary.ts';
import { zooModel } from '../../models/zoo/zoo.ts';
import { fail } from '../core/errors.ts';
import type { Dataset } from '../data/dataset.ts';
import type { RunOptions, RunOptionsInput } from '../training/options.ts';
import type { RunFiles } from '../training/run-folder.ts';
import { type SpecSource, type TrainingResult, type TrainingStart, train } from '../training/train.ts';
import { interruptible } from './interrupt.ts';
import { readSpec } from './read-spec.ts';
import { formatCount, formatCountOf, formatSeconds } from './terminal/format.ts';
import type { Terminal } from './terminal/terminal.ts';

/** A model of the zoo by its name, or the spec in a `.json` file. */
export async function openModel(name: string): Promise<{ spec: SpecSource; defaults: RunOptionsInput }> {
  if (name.endsWith('.json')) return { spec: await readSpec(name), defaults: {} };
  const { build, defaults } = zooModel(name);
  return { spec: build, defaults };
}

export interface TrainingRequest {
  readonly spec: SpecSource;
  readonly defaults: RunOptionsInput;
  readonly data: Dataset;
  readonly options: RunOptionsInput;
  readonly out: string;
  readonly mode: 'new' | 'overwrite' | 'resume';
  /** The command that goes on with the run if it is stopped. */
  readonly resumeCommand: string;
}

export type FinishedTraining = TrainingResult & { readonly files: RunFiles };

/** @throws what `train` throws; INTERRUPTED after Ctrl-C, saying how to go on */
export async function trainWatched(terminal: Terminal, request: TrainingRequest): Promise<FinishedTraining> {
  const { spec, defaults, data, options, out, mode, resumeCommand } = request;
  const onStop = () => process.stderr.write('\nStopping after this step. Ctrl-C again leaves at once.\n');
  let epochs = 0;
  const result = await interruptible(onStop, (signal) =>
    train({
      ...options,
      spec,
      defaults,
      data,
      out,
      resume: mode === 'resume',
      overwrite: mode === 'overwrite',
      onStart: (start) => {
        epochs = start.options.epochs;
        terminal.say(`${describeStart(start)}\n`);
      },
      onEpoch: (record, { seconds, best }) => terminal.say(describeEpoch(record, epochs, seconds, best)),
      progress: terminal.progress,
      signal,
    }),
  );
  const { files, history, bestEpoch } = result;
  if (files === undefined) return fail('INTERNAL', 'a run with a folder has no files', 'Please report this.');
  if (result.interrupted) {
    fail(
      'INTERRUPTED',
      `training was stopped in epoch ${history.length + 1}; ${files.best} holds the best model so far, of epoch ${bestEpoch}`,
      `Go on with: ${resumeCommand}`,
    );
  }
  terminal.say(
    result.stoppedEarly
      ? `Stopped early: no lower validation loss for ${formatCountOf(result.options.patience, 'epoch')}. The best is epoch ${bestEpoch}.`
      : `The best is epoch ${bestEpoch}.`,
  );
  return { ...result, files };
}

function describeStart({ plan, options, split, vocabulary, engine, resumedFrom }: TrainingStart): string {
  return [
    summary(plan, { time: options.maxLength }),
    '',
    `Vocabulary of ${formatCountOf(vocabulary.length, 'word')}; texts of ${options.maxLength} steps, padding ${options.padding}, truncating ${options.truncating}.`,
    `${formatCountOf(split.train.length, 'text')} to train on, ${formatCount(split.validation.length)} to watch, ${formatCount(split.test.length)} held out.`,
    describeOptimiser(options),
    ...(resumedFrom ? [`Going on after epoch ${resumedFrom}.`] : []),
    `${engine.note}.`,
  ].join('\n');
}

function describeOptimiser({ optimiser, learningRate, batchSize, seed }: RunOptions): string {
  return `${optimiser.type}, learning rate ${learningRate}, batches of ${batchSize}, seed ${seed}.`;
}

function describeEpoch(record: EpochRecord, epochs: number, seconds: number, best: boolean): string {
  const { epoch, loss, accuracy, validationLoss, validationAccuracy } = record;
  const parts = [
    `Epoch ${String(epoch).padStart(String(epochs).length)}/${epochs}`,
    `loss ${loss.toFixed(4)}`,
    `accuracy ${accuracy.toFixed(4)}`,
    ...(validationLoss === null ? [] : [`val loss ${validationLoss.toFixed(4)}`]),
    ...(validationAccuracy === null ? [] : [`val accuracy ${validationAccuracy.toFixed(4)}`]),
    formatSeconds(seconds),
  ];
  return `${parts.join('  ')}${best ? '  best' : ''}`;
}
