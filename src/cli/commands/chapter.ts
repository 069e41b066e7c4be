import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { z } from 'zod';
import { type ChapterModel, chapterModels } from '../../../models/zoo/chapter-models.ts';
import { type ChapterResults, type PlannedRun, runChapter } from '../../chapter/chapter.ts';
import { csvFiles } from '../../chapter/csv.ts';
import { writeSpread } from '../../chapter/figures.ts';
import { byModel, type Outcome } from '../../chapter/outcome.ts';
import { writeReport } from '../../chapter/report.ts';
import type { ChapterTraining } from '../../chapter/run-model.ts';
import { timeLeft } from '../../chapter/time-left.ts';
import { fail, RecurrentError } from '../../core/errors.ts';
import { writeFileAtomically } from '../../core/files.ts';
import { formatCount, formatCountOf, formatSeconds, formatSmall } from '../../core/format-numbers.ts';
import { defineCommand, withExamples, withOptions } from '../command.ts';
import { interruptibleTraining } from '../interrupt.ts';
import { argumentsOf, commandLine } from '../invocation.ts';
import { openData } from '../open/data.ts';
import { imdbPath } from '../options/data.ts';
import { number } from '../options/kinds.ts';
import { namesOption } from '../options/names.ts';
import { engine, epochs, threads } from '../options/run.ts';
import { facts, table } from '../terminal/table.ts';
import type { Terminal, TerminalOptions } from '../terminal/terminal.ts';

/** With `--quick`, and without. */
const sizes = { quick: { seeds: 1, parityTexts: 2000 }, whole: { seeds: 5, parityTexts: 5000 } } as const;

const models = namesOption('--models', 'which models', chapterModels);
const seeds = number(
  '--seeds <n>',
  `runs of each model, with the seeds 0 to n − 1 (default: ${sizes.whole.seeds})`,
  z.int().min(1).max(1000),
);
const quick = new Option(
  '--quick',
  `one seed, and parity on ${formatCount(sizes.quick.parityTexts)} reviews instead of ${formatCount(sizes.whole.parityTexts)}`,
).conflicts('seeds');
const out = new Option('--out <folder>', 'folder for the report, the figures and the runs').default('runs/chapter');
const overwrite = new Option('--overwrite', 'train anew what the folder already holds');

interface Options extends TerminalOptions, ChapterTraining {
  readonly models: readonly ChapterModel[];
  readonly seeds?: number;
  readonly quick?: boolean;
  readonly out: string;
  readonly overwrite?: boolean;
  readonly imdbPath?: string;
}

/** `recurrent chapter`: the eight models of the chapter on the 50,000 IMDB reviews, as one report. */
export function chapter(): Command {
  const command = defineCommand(
    'chapter',
    'the eight models of the chapter on 50,000 film reviews, as one report',
    async (terminal, options: Options) => {
      const { out: folder } = options;
      const size = options.quick ? sizes.quick : sizes.whole;
      const data = await openData(terminal, { data: 'imdb', imdbPath: options.imdbPath });
      const results = await run(terminal, options, (signal) =>
        runChapter({
          data,
          out: folder,
          models: options.models,
          seeds: Array.from({ length: options.seeds ?? size.seeds }, (_, seed) => seed),
          parityTexts: Math.min(size.parityTexts, data.recipe?.parts.test.length ?? 0),
          training: { epochs: options.epochs, engine: options.engine, threads: options.threads },
          overwrite: options.overwrite,
          onRun: createTeller(terminal),
          progress: terminal.progress,
          signal,
        }),
      );
      const files = await writeFiles(folder, results);
      terminal.answer({ ...results, files }, describe(results, files));
      refuseDifferences(results);
    },
  );
  return withExamples(
    withOptions(command, models, seeds, quick, out, overwrite, imdbPath, epochs, engine, threads),
    'recurrent chapter --quick',
    'recurrent chapter --models lstm,gru-dropout --seeds 3 --out runs/gates',
    'recurrent chapter --imdb-path aclImdb_v1.tar.gz --json > chapter.json',
  );
}

/** After Ctrl-C the same command goes on. */
async function run<T>(terminal: Terminal, options: Options, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  try {
    return await interruptibleTraining(terminal, work);
  } catch (error) {
    if (!(error instanceof RecurrentError) || error.code !== 'INTERRUPTED') throw error;
    return fail(
      'INTERRUPTED',
      `${error.message}; what is done is in ${options.out}`,
      `Go on with: ${sameCommand(options)}`,
    );
  }
}

/** Without `--overwrite`, which would begin again. */
function sameCommand(options: Options): string {
  const some = options.models.length < chapterModels.length ? options.models : undefined;
  const given = argumentsOf([quick, models, out, seeds, imdbPath, epochs, engine, threads], {
    ...options,
    models: some,
  });
  return commandLine('chapter', ...given);
}

/** A line a run, with the time that is left. */
function createTeller(terminal: Terminal) {
  const done: { model: string; seconds: number }[] = [];
  let began = 0;
  return (now: PlannedRun, finished?: { readonly outcome: Outcome; readonly kept: boolean }): void => {
    if (!finished) {
      began = performance.now();
      return;
    }
    if (!finished.kept) done.push({ model: now.model, seconds: (performance.now() - began) / 1000 });
    terminal.say(describeRun(now, finished.outcome, finished.kept, timeLeft(done, now.left)));
  };
}

function describeRun({ number, of }: PlannedRun, outcome: Outcome, kept: boolean, left: number | undefined): string {
  const { model, seed, history, bestEpoch, validation, test, parity } = outcome;
  return [
    `${String(number).padStart(String(of).length)}/${of}`,
    `${model}, seed ${seed}:`,
    `${formatCountOf(history.length, 'epoch')}, best ${bestEpoch};`,
    `val loss ${validation.loss.toFixed(4)}, val accuracy ${validation.accuracy.toFixed(4)}, test accuracy ${test.accuracy.toFixed(4)};`,
    `${formatCountOf(parity.flips, 'flip')}, error ${formatSmall(parity.maxAbsError)}`,
    ...(kept ? ['(was there)'] : []),
    ...(left ? [`· about ${formatSeconds(left)} left`] : []),
  ].join(' ');
}

async function writeFiles(folder: string, results: ChapterResults): Promise<string[]> {
  const contents = {
    'report.html': writeReport(results),
    'results.json': `${JSON.stringify(results)}\n`,
    ...csvFiles(results),
  };
  const files: string[] = [];
  for (const [name, text] of Object.entries(contents)) {
    const file = join(folder, name);
    await writeFileAtomically(file, text);
    files.push(file);
  }
  return files;
}

function describe({ runs, seconds, keptRuns }: ChapterResults, files: readonly string[]): string {
  const [report = '', ...figures] = files;
  const rows = byModel(runs).map(({ model, runs: own }) => {
    const epochs = own.map(({ history }) => history.length);
    return [
      model,
      formatCount(own[0]?.parameters ?? 0),
      writeSpread(epochs, own.length > 1 ? 1 : 0),
      writeSpread(own.map(({ validation }) => validation.loss)),
      writeSpread(own.map(({ validation }) => validation.accuracy)),
      writeSpread(own.map(({ test }) => test.accuracy)),
      String(own.reduce((sum, { parity }) => sum + parity.flips, 0)),
    ];
  });
  return [
    table(rows, {
      head: ['model', 'parameters', 'epochs', 'val loss', 'val accuracy', 'test accuracy', 'flips'],
      align: ['left', 'right', 'right', 'right', 'right', 'right', 'right'],
    }),
    facts([
      [
        'time',
        `${formatSeconds(seconds)}${keptRuns ? `, and ${formatCountOf(keptRuns, 'run')} of an earlier call` : ''}`,
      ],
      ['report', report],
      ['figures', figures.join(', ')],
    ]),
  ].join('\n\n');
}

/** The report is there all the same. @throws PARITY_FAILED */
function refuseDifferences({ runs }: ChapterResults): void {
  const failed = runs.filter(({ parity }) => !parity.passed);
  if (failed.length === 0) return;
  fail(
    'PARITY_FAILED',
    `runtimes disagree on ${failed.map(({ model, seed }) => `${model} with seed ${seed}`).join(', ')}`,
    'See the report, and recurrent parity on the folder of the run.',
  );
}
