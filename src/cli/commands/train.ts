import { type Command, Option } from 'commander';
import { formatCountOf, formatShare } from '../../core/format-numbers.ts';
import { partOf } from '../../data/part.ts';
import { checkLogFolder } from '../../report/tensorboard/run-log.ts';
import { evaluate } from '../../training/evaluate.ts';
import { checkRunFolder } from '../../training/run-folder.ts';
import { defineCommand, required, withExamples, withOptions } from '../command.ts';
import { metricsOf } from '../describe/metrics.ts';
import { commandLine } from '../invocation.ts';
import { openData } from '../open/data.ts';
import { openSpec } from '../open/spec.ts';
import { type DataOptions, dataOptions } from '../options/data.ts';
import { type RunCommandOptions, runOptions } from '../options/run.ts';
import { facts } from '../terminal/table.ts';
import type { TerminalOptions } from '../terminal/terminal.ts';
import { trainWatched } from '../training.ts';

const out = new Option('--out <folder>', 'folder of the run');
const resume = new Option('--resume', 'go on with the run in --out, bit for bit').conflicts('overwrite');
const overwrite = new Option('--overwrite', 'replace the run that --out already holds');
const tensorboard = new Option('--tensorboard <folder>', 'write event files of TensorBoard there, an event an epoch');

interface Options extends TerminalOptions, DataOptions, RunCommandOptions {
  readonly out?: string;
  readonly resume?: boolean;
  readonly overwrite?: boolean;
  readonly tensorboard?: string;
}

/** `recurrent train`: labelled texts to the folder of a run. */
export function train(): Command {
  const command = defineCommand(
    'train',
    'train a model on labelled texts',
    async (terminal, options: Options, name: string) => {
      const folder = required(options.out, out.flags);
      const model = await openSpec(name);
      const mode = options.resume ? 'resume' : options.overwrite ? 'overwrite' : 'new';
      await checkRunFolder(folder, mode);
      if (options.tensorboard !== undefined && mode === 'new') checkLogFolder(options.tensorboard);
      const data = await openData(terminal, options);
      const result = await trainWatched(terminal, {
        ...{ name, model, data, options, out: folder, mode },
        tensorboard: options.tensorboard,
      });
      const test = result.split.test.length
        ? await evaluate(result.model, partOf(data, result.split.test), {
            engine: result.engine.name,
            progress: terminal.progress,
          })
        : undefined;
      const { files, history, bestEpoch, stoppedEarly, engine, memory, plan, split } = result;
      terminal.answer(
        {
          model: plan.spec.name,
          epochs: history.length,
          bestEpoch,
          stoppedEarly,
          history,
          test: test && { ...metricsOf(test), examples: test.examples },
          engine,
          memory,
          duplicates: split.duplicates,
          options: result.options,
          files: {
            best: files.best,
            last: files.last,
            history: files.history,
            lossChart: files.lossChart,
            tensorboard: options.tensorboard,
          },
        },
        facts([
          ...(test
            ? [
                [
                  'test accuracy',
                  `${formatShare(test.accuracy)} of ${formatCountOf(test.examples, 'held-out text')}`,
                ] as const,
              ]
            : []),
          ['best model', files.best],
          ['history', files.history],
          ['loss curve', files.lossChart],
          ...(options.tensorboard === undefined
            ? []
            : [['events', `${options.tensorboard}: tensorboard --logdir ${options.tensorboard}`] as const]),
          ['next', commandLine('export', folder, '--out', files.onnx)],
        ]),
      );
    },
  )
    .usage('[options] <model> --data <source> --out <folder>')
    .argument('<model>', 'name of a known model (see recurrent models), or a spec in a .json file');
  withOptions(command, ...dataOptions, out, resume, overwrite, tensorboard, ...runOptions);
  return withExamples(
    command,
    'recurrent train spam-lstm --data spam --out runs/spam',
    'recurrent train gru-masked --data tickets.csv --out runs/tickets --epochs 40 --seed 7',
    'recurrent train lstm --data imdb --out runs/lstm --tensorboard runs/lstm/events',
    'recurrent train spec.json --data reviews.jsonl --text-column review --label-column verdict --out runs/reviews',
  );
}
