import { type Command, Option } from 'commander';
import { loadCheckpoint } from '../../../models/checkpoint/checkpoint.ts';
import { fail } from '../../core/errors.ts';
import { runFiles } from '../../training/run-folder.ts';
import { defineCommand, withExamples, withOptions } from '../command.ts';
import { describeRun, lossCurve } from '../describe/run.ts';
import { commandLine } from '../invocation.ts';
import { type DataOptions, data, dataOptions } from '../options/data.ts';
import { namesParser } from '../options/names.ts';
import { batchSize } from '../options/run.ts';
import { type Part, split } from '../options/split.ts';
import { drawEvaluation } from '../plot/evaluation.ts';
import { type Charts, openPictures, type PictureFormat, pictureFormats } from '../plot/pictures.ts';
import { facts } from '../terminal/table.ts';
import type { TerminalOptions } from '../terminal/terminal.ts';

const out = new Option('--out <folder>', 'where the files go (default: the folder of the run)');
const formats = new Option(
  '--formats <names>',
  'svg, png, with commas between (default: svg, and png where its packages are installed)',
).argParser(namesParser('--formats', pictureFormats));

const onlyWithTexts: readonly Option[] = [...dataOptions.filter((option) => option !== data), split, batchSize];

interface Options extends TerminalOptions, DataOptions {
  readonly out?: string;
  readonly formats?: readonly PictureFormat[];
  readonly split?: Part;
  readonly batchSize?: number;
}

/** `recurrent plot`: the charts of a run as files, its losses on the terminal. */
export function plot(): Command {
  const command = defineCommand(
    'plot',
    'draw the charts of a run: losses, accuracy, confusions, ROC, lengths',
    async (terminal, options: Options, folder: string) => {
      for (const option of options.data === undefined ? onlyWithTexts : []) {
        if (options[option.attributeName() as keyof Options] === undefined) continue;
        fail(
          'OPTION_INVALID',
          `${option.long} says how to read or judge texts, and none are named`,
          `Add ${data.flags}.`,
        );
      }
      const pictures = await openPictures(terminal, options.formats);
      const { run } = await loadCheckpoint(runFiles(folder).last);
      const { model } = await loadCheckpoint(runFiles(folder).best);
      if (!run || run.history.length === 0) {
        fail(
          'CHECKPOINT_INVALID',
          `${runFiles(folder).last} holds no history of a run`,
          'Name the folder that recurrent train wrote.',
        );
      }
      const { history, bestEpoch } = run;
      const { accuracyChart, lossChart } = await import('../../report/history-charts.ts');
      const about = { note: describeRun(model), bestEpoch };
      const judged = options.data === undefined ? undefined : await drawEvaluation(terminal, model, options);
      const charts: Charts = {
        loss: lossChart(history, about),
        accuracy: accuracyChart(history, about),
        ...judged?.charts,
      };
      const files = await pictures.write(options.out ?? folder, charts);
      terminal.answer(
        { model: model.spec.name, epochs: history.length, bestEpoch, evaluation: judged?.evaluation, files },
        [
          await lossCurve(terminal, history),
          facts([
            ...(judged
              ? judged.facts
              : [
                  [
                    'also',
                    `${commandLine('plot', folder, '--data', model.training?.source ?? '<source>')}: confusions, ROC, lengths`,
                  ] as const,
                ]),
            ...files.map((file) => ['drawn', file] as const),
          ]),
        ]
          .filter((part) => part !== undefined)
          .join('\n\n'),
      );
    },
  )
    .usage('[options] <run>')
    .argument('<run>', 'folder of a run');
  return withExamples(
    withOptions(command, ...dataOptions, split, batchSize, out, formats),
    'recurrent plot runs/spam',
    'recurrent plot runs/lstm --data imdb',
    'recurrent plot runs/tickets --data tickets.csv --split all --out charts --formats svg --json',
  );
}
