/** Training as a person watches it: facts of the data, summary of the model, a line an epoch, Ctrl-C. Used by `train` and `demo`. */
import type { EpochRecord } from '../../models/checkpoint/state.ts';
import { summary } from '../../models/summary.ts';
import { zooModel } from '../../models/zoo/zoo.ts';
import { fail } from '../core/errors.ts';
import { writeFileAtomically } from '../core/files.ts';
import { formatCount, formatCountOf, formatSeconds, formatShare } from '../core/format-numbers.ts';
import type { Dataset } from '../data/dataset.ts';
import type { Split } from '../data/split.ts';
import { clearLogFolder, openRunLog, type RunLog } from '../report/tensorboard/run-log.ts';
import type { SpecSource } from '../training/describe-model.ts';
import { formatTime } from '../training/engines/select.ts';
import type { Schedule } from '../training/learning-rate.ts';
import { describeMemory } from '../training/memory.ts';
import { monitoredValue } from '../training/monitor.ts';
import type { RunOptions, RunOptionsInput } from '../training/options.ts';
import type { RunFiles, RunMode } from '../training/run-folder.ts';
import { type TrainingResult, type TrainingStart, train } from '../training/train.ts';
import { interruptible } from './interrupt.ts';
import { commandLine } from './invocation.ts';
import { type DataOptions, dataArguments, pickRunOptions, type RunCommandOptions } from './options.ts';
import { readSpec } from './read-spec.ts';
import { describeRun, lossCurve } from './run-charts.ts';
import { table } from './terminal/table.ts';
import type { Terminal } from './terminal/terminal.ts';

export interface OpenedModel {
  readonly spec: SpecSource;
  readonly defaults: RunOptionsInput;
}

/** A model of the zoo by its name, or the spec in a `.json` file. */
export async function openModel(name: string): Promise<OpenedModel> {
  if (name.endsWith('.json')) return { spec: await readSpec(name), defaults: {} };
  const { build, defaults } = zooModel(name);
  return { spec: build, defaults };
}

export interface TrainingRequest {
  /** As it was given to `openModel`. */
  readonly name: string;
  readonly model: OpenedModel;
  readonly data: Dataset;
  readonly options: RunCommandOptions & DataOptions;
  readonly out: string;
  readonly mode: RunMode;
  /** Folder for event files of TensorBoard. */
  readonly tensorboard?: string | undefined;
}

export type FinishedTraining = TrainingResult & { readonly files: RunFiles };

/** Draws the losses into the run's folder, and on a terminal. @throws what `train` throws; INTERRUPTED after Ctrl-C, saying how to go on */
export async function trainWatched(terminal: Terminal, request: TrainingRequest): Promise<FinishedTraining> {
  const { model, data, options, out, mode, tensorboard } = request;
  let log: RunLog | undefined;
  const onStop = () => {
    terminal.progress.stop();
    process.stderr.write('\nStopping after this step. Ctrl-C again leaves at once.\n');
  };
  let watched: RunOptions | undefined;
  const result = await interruptible(onStop, (signal) =>
    train({
      ...pickRunOptions(options),
      ...model,
      data,
      out,
      resume: mode === 'resume',
      overwrite: mode === 'overwrite',
      onStart: (start) => {
        watched = start.options;
        if (tensorboard !== undefined) {
          if (mode === 'overwrite') clearLogFolder(tensorboard);
          log = openRunLog(tensorboard, start.history);
        }
        terminal.say(`${describeStart(start)}\n`);
      },
      onEpoch: (record, { seconds, best }) => {
        log?.write(record);
        if (watched) terminal.say(describeEpoch(record, watched, seconds, best));
      },
      progress: terminal.progress,
      signal,
    }),
  ).finally(() => log?.close());
  const { files, history, bestEpoch } = result;
  if (files === undefined) return fail('INTERNAL', 'a run with a folder has no files', 'Please report this.');
  const { lossChart } = await import('../report/history-charts.ts');
  await writeFileAtomically(files.lossChart, lossChart(history, { note: describeRun(result.model), bestEpoch }));
  if (result.interrupted) {
    fail(
      'INTERRUPTED',
      `training was stopped in epoch ${history.length + 1}; ${files.best} holds the best model so far, of epoch ${bestEpoch}`,
      `Go on with: ${resumeCommand(request)}`,
    );
  }
  const curve = terminal.interactive ? await lossCurve(terminal, history) : undefined;
  if (curve !== undefined) terminal.say(`\n${curve}\n`);
  terminal.say(
    result.stoppedEarly
      ? `Stopped early: no ${describeGain(result)} for ${formatCountOf(result.options.patience, 'epoch')}. ${describeKept(result)}`
      : describeKept(result),
  );
  return { ...result, files };
}

function describeGain({ options: { monitor }, split }: TrainingResult): string {
  return `${monitor === 'loss' ? 'lower' : 'higher'} ${split.validation.length ? 'validation' : 'training'} ${monitor}`;
}

function describeKept({ options: { keep }, bestEpoch }: TrainingResult): string {
  return keep === 'best' ? `The best is epoch ${bestEpoch}.` : `The model is that of the last epoch, ${bestEpoch}.`;
}

/** A resumed run keeps its options; where the texts are must be said again. */
function resumeCommand({ name, data, options, out, tensorboard }: TrainingRequest): string {
  const events = tensorboard === undefined ? [] : ['--tensorboard', tensorboard];
  return commandLine('train', name, ...dataArguments(data.source, options), '--out', out, ...events, '--resume');
}

function describeStart({
  plan,
  options,
  split,
  vocabulary,
  lengths,
  engine,
  memory,
  resumedFrom,
}: TrainingStart): string {
  return [
    summary(plan, { time: options.maxLength }),
    '',
    `Vocabulary of ${formatCountOf(vocabulary.length, 'word')}; ${options.maxLength} steps, padding ${options.padding}, truncating ${options.truncating}.`,
    `Texts have ${formatCount(Math.round(lengths.median))} ids at the median, ${formatCount(Math.round(lengths.p95))} at the 95th percentile; ${formatShare(lengths.truncated)} are cut.`,
    `${formatCountOf(split.train.length, 'text')} to train on, ${formatCount(split.validation.length)} for early stopping, ${formatCount(split.test.length)} held out.`,
    ...(split.duplicates.groups ? [describeDuplicates(split)] : []),
    describeOptimiser(options),
    ...(resumedFrom ? [`Going on after epoch ${resumedFrom}.`] : []),
    `Memory: at most ${describeMemory(memory)}.`,
    `${engine.note}.`,
    ...(engine.trials ? [describeTrials(engine.trials)] : []),
  ].join('\n');
}

/** A line an engine: what a step took, and how much longer than the fastest one that is; or why it was not tried. */
function describeTrials(trials: NonNullable<TrainingStart['engine']['trials']>): string {
  const least = Math.min(...trials.flatMap((trial) => ('ms' in trial ? trial.ms : [])));
  const rows = trials.map((trial) =>
    'ms' in trial
      ? [trial.engine, formatTime(trial.ms), `${(trial.ms / least).toFixed(1)} ×`]
      : [trial.engine, '–', trial.reason],
  );
  return table(rows, { align: ['left', 'right', 'left'] })
    .split('\n')
    .map((line) => `  ${line}`)
    .join('\n');
}

function describeDuplicates({ duplicates: { examples, groups } }: Split): string {
  return `${formatCountOf(examples, 'text')} are near duplicates of others, in ${formatCountOf(groups, 'group')}; each group is in one part.`;
}

function describeOptimiser(options: RunOptions): string {
  const { optimiser, learningRate, schedule, reduceOnPlateau, batchSize, bucket, seed } = options;
  const batches = `batches of ${batchSize}${bucket ? ' texts of like length' : ''}`;
  const rate = [
    `learning rate ${learningRate}`,
    ...(isConstant(schedule) ? [] : [describeSchedule(schedule)]),
    ...(reduceOnPlateau ? [`times ${reduceOnPlateau.factor} on a plateau`] : []),
  ];
  return `${optimiser.type}, ${rate.join(', ')}, ${batches}, seed ${seed}.`;
}

function isConstant({ type, warmup }: Schedule): boolean {
  return type === 'constant' && warmup === 0;
}

function describeSchedule({ warmup, type, ...settings }: Schedule): string {
  const numbers = Object.entries(settings).map(([name, value]) => `${name} ${value}`);
  return [type, ...numbers, ...(warmup > 0 ? [`warm-up ${warmup}`] : [])].join(' ');
}

function describeEpoch(record: EpochRecord, options: RunOptions, seconds: number, best: boolean): string {
  const { epoch, loss, accuracy, validationLoss, validationAccuracy, learningRate } = record;
  const { epochs, monitor, schedule, reduceOnPlateau } = options;
  const watched = monitor === 'loss' || monitor === 'accuracy' ? null : monitoredValue(record, monitor);
  const moves = reduceOnPlateau !== undefined || !isConstant(schedule);
  const parts = [
    `Epoch ${String(epoch).padStart(String(epochs).length)}/${epochs}`,
    `loss ${loss.toFixed(4)}`,
    `accuracy ${accuracy.toFixed(4)}`,
    ...(validationLoss === null ? [] : [`val loss ${validationLoss.toFixed(4)}`]),
    ...(validationAccuracy === null ? [] : [`val accuracy ${validationAccuracy.toFixed(4)}`]),
    ...(watched === null ? [] : [`${validationLoss === null ? '' : 'val '}${monitor} ${watched.toFixed(4)}`]),
    ...(moves ? [`rate ${learningRate.toPrecision(3)}`] : []),
    formatSeconds(seconds),
  ];
  return `${parts.join('  ')}${best ? '  best' : ''}`;
}
