/** What is said of a training while it goes on. */
import type { EpochRecord } from '../../../models/checkpoint/state.ts';
import { summary } from '../../../models/summary.ts';
import { formatCount, formatCountOf, formatSeconds, formatShare } from '../../core/format-numbers.ts';
import type { Split } from '../../data/split.ts';
import { formatTime } from '../../training/engines/select.ts';
import type { Schedule } from '../../training/learning-rate.ts';
import { describeMemory } from '../../training/memory.ts';
import { monitoredValue } from '../../training/monitor.ts';
import type { RunOptions } from '../../training/options.ts';
import type { TrainingResult, TrainingStart } from '../../training/train.ts';
import { table } from '../terminal/table.ts';

/** Model, data and settings, before the first step. */
export function describeStart({
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
      ? [
          trial.engine,
          formatTime(trial.ms),
          [`${(trial.ms / least).toFixed(1)} ×`, trial.remark ?? []].flat().join('; '),
        ]
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

/** A line an epoch. */
export function describeEpoch(record: EpochRecord, options: RunOptions, seconds: number, best: boolean): string {
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

/** Why training ended, and which epoch's model is kept. */
export function describeEnd(result: TrainingResult): string {
  const kept = describeKept(result);
  if (!result.stoppedEarly) return kept;
  return `Stopped early: no ${describeGain(result)} for ${formatCountOf(result.options.patience, 'epoch')}. ${kept}`;
}

function describeGain({ options: { monitor }, split }: TrainingResult): string {
  return `${monitor === 'loss' ? 'lower' : 'higher'} ${split.validation.length ? 'validation' : 'training'} ${monitor}`;
}

function describeKept({ options: { keep }, bestEpoch }: TrainingResult): string {
  return keep === 'best' ? `The best is epoch ${bestEpoch}.` : `The model is that of the last epoch, ${bestEpoch}.`;
}
