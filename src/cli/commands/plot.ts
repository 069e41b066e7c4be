import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { loadCheckpoint } from '../../../models/checkpoint/checkpoint.ts';
import type { TrainedModel } from '../../../models/model.ts';
import { fail, RecurrentError } from '../../core/errors.ts';
import { writeFileAtomically } from '../../core/files.ts';
import { formatShare } from '../../core/format-numbers.ts';
import { lengthStatistics } from '../../data/length-statistics.ts';
import { loadPngRenderer, type PngRenderer, undrawableLetters } from '../../report/png.ts';
import type { RocCurve } from '../../report/roc.ts';
import { type EvaluationReport, encodeFor, evaluate } from '../../training/evaluate.ts';
import { runFiles } from '../../training/run-folder.ts';
import { defineCommand, withExamples, withOptions } from '../command.ts';
import { describeRun, lossCurve } from '../describe/run.ts';
import { commandLine } from '../invocation.ts';
import { openData } from '../open/data.ts';
import { type DataOptions, data, dataOptions } from '../options/data.ts';
import { namesParser } from '../options/names.ts';
import { batchSize } from '../options/run.ts';
import { type ChosenPart, choosePart, type Part, split } from '../options/split.ts';
import { facts } from '../terminal/table.ts';
import type { Terminal, TerminalOptions } from '../terminal/terminal.ts';

const formatNames = ['svg', 'png'] as const;
type FormatName = (typeof formatNames)[number];

const out = new Option('--out <folder>', 'where the files go (default: the folder of the run)');
const formats = new Option(
  '--formats <names>',
  'svg, png, with commas between (default: svg, and png where its packages are installed)',
).argParser(namesParser('--formats', formatNames));

const onlyWithTexts: readonly Option[] = [...dataOptions.filter((option) => option !== data), split, batchSize];

interface Options extends TerminalOptions, DataOptions {
  readonly out?: string;
  readonly formats?: readonly FormatName[];
  readonly split?: Part;
  readonly batchSize?: number;
}

/** Of an ROC: as many as colours and dashes tell apart. */
const mostCurves = 12;

/** Drawings by the names of their files. */
type Charts = Readonly<Record<string, string>>;

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

/** Evaluates the best model on the texts that the options name. */
async function drawEvaluation(terminal: Terminal, model: TrainedModel, options: Options) {
  const [{ confusionChart }, { rocChart }, { histogram }] = await Promise.all([
    import('../../report/confusion-chart.ts'),
    import('../../report/roc-chart.ts'),
    import('../../report/histogram.ts'),
  ]);
  const dataset = await openData(terminal, options);
  const part = choosePart(model.training, dataset, options.split);
  const report = await evaluate(model, part.texts, { batchSize: options.batchSize, progress: terminal.progress });
  const { accuracy, loss, examples, labels, confusion } = report;
  const curves = await rocCurves(report);
  const note = `${describeRun(model)}, ${part.note}`;
  const some = curves.length < report.labels.length - 1 ? `, ${curves.length} of ${report.labels.length} classes` : '';
  const areas = curves.map(({ name, curve }) => [name, curve.area] as const);
  const charts: Charts = {
    confusion: confusionChart({
      title: `Confusion matrix: ${formatShare(accuracy)} right`,
      note,
      labels,
      counts: confusion,
    }),
    roc: rocChart({ title: 'Receiver operating characteristic', note: `${note}${some}`, curves }),
    lengths: histogram({ title: 'Lengths of the texts', xLabel: 'words', ...lengthsOf(model, part) }),
  };
  return {
    charts,
    evaluation: { accuracy, loss, examples, split: part.split, areas: Object.fromEntries(areas) },
    facts: [
      ['accuracy', formatShare(accuracy)],
      ['loss', loss.toFixed(4)],
      ...areas.map(([name, area]) => [`area, ${name}`, area.toFixed(4)] as const),
      ['on', part.note],
    ] as const,
  };
}

/** Of two classes that of the second; of more, each of the most frequent against all others. A class that no text has, or every text, has none. */
async function rocCurves({
  labels,
  probabilities,
  targets,
}: EvaluationReport): Promise<{ name: string; curve: RocCurve }[]> {
  const { rocCurve } = await import('../../report/roc.ts');
  const counts = labels.map((_, label) => targets.filter((target) => target === label).length);
  const byCount = [...labels.keys()].sort((a, b) => (counts[b] ?? 0) - (counts[a] ?? 0));
  const columns = labels.length === 2 ? [1] : byCount.slice(0, mostCurves).sort((a, b) => a - b);
  return columns
    .map((column) => ({
      name: labels[column] ?? '',
      curve: rocCurve(
        Array.from(targets, (_, row) => probabilities[row * labels.length + column] ?? 0),
        Array.from(targets, (target) => target === column),
      ),
    }))
    .filter(({ curve }) => !Number.isNaN(curve.area));
}

function lengthsOf(model: TrainedModel, { texts, note }: ChosenPart) {
  const { maxLength } = model.preprocessing;
  const { lengths } = encodeFor(model, texts);
  const { median, truncated } = lengthStatistics(lengths, maxLength);
  return {
    values: lengths,
    note: `${note}; ${formatShare(truncated)} are cut`,
    marks: [
      { x: maxLength, label: `read: ${maxLength}` },
      { x: median, label: `median: ${median}` },
    ],
  };
}

interface Pictures {
  /** @returns the files that were written */
  write(folder: string, charts: Charts): Promise<string[]>;
}

/** PNG that was not asked for by name is left out, with a word on how to have it, where its packages are missing. */
async function openPictures(terminal: Terminal, asked: readonly FormatName[] | undefined): Promise<Pictures> {
  const wanted = asked ?? formatNames;
  const render = wanted.includes('png') ? await openRenderer(terminal, asked !== undefined) : undefined;
  return {
    async write(folder, charts) {
      const files: string[] = [];
      const write = async (name: string, contents: string | Uint8Array) => {
        const file = join(folder, name);
        await writeFileAtomically(file, contents);
        files.push(file);
      };
      for (const [name, svg] of Object.entries(charts)) {
        if (wanted.includes('svg')) await write(`${name}.svg`, svg);
        if (!render) continue;
        const missing = undrawableLetters(svg);
        if (missing)
          terminal.warn(`${name}.png shows boxes for ${missing}, which its font has not got; ${name}.svg has them.`);
        await write(`${name}.png`, render(svg));
      }
      return files;
    },
  };
}

async function openRenderer(terminal: Terminal, needed: boolean): Promise<PngRenderer | undefined> {
  try {
    return await loadPngRenderer();
  } catch (error) {
    if (needed || !(error instanceof RecurrentError) || error.code !== 'PACKAGE_MISSING') throw error;
    terminal.warn(`No PNG files: ${error.message}. ${error.hint}`);
    return undefined;
  }
}
