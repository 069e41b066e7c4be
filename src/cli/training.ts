/** Training as a person watches it: summary of the model, a line an epoch, Ctrl-C. Used by `train` and `demo`. */
import { fail } from '../core/errors.ts';
import { writeFileAtomically } from '../core/files.ts';
import type { Dataset } from '../data/dataset.ts';
import { clearLogFolder, openRunLog, type RunLog } from '../report/tensorboard/run-log.ts';
import type { RunOptions } from '../training/options.ts';
import type { RunFiles, RunMode } from '../training/run-folder.ts';
import { type TrainingResult, train } from '../training/train.ts';
import { describeRun, lossCurve } from './describe/run.ts';
import { describeEnd, describeEpoch, describeStart } from './describe/training.ts';
import { interruptibleTraining } from './interrupt.ts';
import { commandLine } from './invocation.ts';
import type { OpenedSpec } from './open/spec.ts';
import { type DataOptions, dataArguments } from './options/data.ts';
import { pickRunOptions, type RunCommandOptions } from './options/run.ts';
import type { Terminal } from './terminal/terminal.ts';

export interface TrainingRequest {
  /** As it was given to `openSpec`. */
  readonly name: string;
  readonly model: OpenedSpec;
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
  let watched: RunOptions | undefined;
  const result = await interruptibleTraining(terminal, (signal) =>
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
  terminal.say(describeEnd(result));
  return { ...result, files };
}

/** A resumed run keeps its options; where the texts are must be said again. */
function resumeCommand({ name, data, options, out, tensorboard }: TrainingRequest): string {
  const events = tensorboard === undefined ? [] : ['--tensorboard', tensorboard];
  return commandLine('train', name, ...dataArguments(data.source, options), '--out', out, ...events, '--resume');
}
