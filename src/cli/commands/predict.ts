import { createHash } from 'node:crypto';
import { extname, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { readMetadata } from '../../../models/metadata/metadata.ts';
import { producer } from '../../../models/metadata/producer.ts';
import { type Classifier, loadClassifier } from '../../../runtime/predict/classifier.ts';
import { fail, RecurrentError } from '../../core/errors.ts';
import { formatCount, formatSeconds } from '../../core/format-numbers.ts';
import { defineCommand, withExamples, withOptions } from '../command.ts';
import { interruptible } from '../interrupt.ts';
import { readOnnx } from '../open/onnx.ts';
import { textColumn } from '../options/data.ts';
import {
  type ProviderCommandOptions,
  providerOptions,
  sessionOptionsOf,
  warnOfFallbacks,
} from '../options/provider.ts';
import { classifyRows } from '../predict/classify-rows.ts';
import { classifyTexts, type Summary } from '../predict/classify-texts.ts';
import { fileFormats, jsonObject, type RowFormat, terminalColumns } from '../predict/row-format.ts';
import { fileSink, outputSink, type Sink } from '../predict/sink.ts';
import { formatOf, openTexts, type TextFormat, type TextSource, textFormats } from '../predict/texts.ts';
import { facts } from '../terminal/table.ts';
import type { Terminal, TerminalOptions } from '../terminal/terminal.ts';

const file = new Option('--file <path>', 'texts to classify; - for standard input; may be packed with gzip');
const format = new Option(
  '--format <name>',
  'format of the texts (default: what the name of the file says, else txt)',
).choices(textFormats);
const out = new Option('--out <file>', 'file for the results: .txt, .tsv, .csv or .jsonl, each also with .gz');
const resume = new Option('--resume', 'go on with an --out that was interrupted');

interface Options extends TerminalOptions, ProviderCommandOptions {
  readonly file?: string;
  readonly format?: TextFormat;
  readonly textColumn?: string;
  readonly out?: string;
  readonly resume?: boolean;
}

/** `recurrent predict`: labels of raw texts, by onnxruntime. */
export function predict(): Command {
  const command = defineCommand(
    'predict',
    'classify texts with an ONNX file',
    async (terminal, options: Options, model: string, words: string[]) => {
      if (options.resume && options.out === undefined) {
        fail('OPTION_INVALID', '--resume has no --out to go on with', 'Name the file of the run that was interrupted.');
      }
      checkOut(options.out, options.file);
      const source = await openSource(words, options);
      const bytes = await readOnnx(model);
      const classifier = await loadClassifier(bytes, sessionOptionsOf(options));
      try {
        warnOfFallbacks(terminal, classifier);
        await run(terminal, options, { words, source, model, bytes, classifier });
      } finally {
        await classifier.dispose();
      }
    },
  )
    .argument('<model.onnx>', 'an ONNX file')
    .argument('[text...]', 'texts to classify; without any, standard input is read, one text a line');
  return withExamples(
    withOptions(command, file, format, textColumn, out, resume, ...providerOptions),
    'recurrent predict model.onnx "You have won a prize" "See you on Monday"',
    'recurrent predict model.onnx --file mails.txt',
    'recurrent predict model.onnx --file reviews.jsonl.gz --out labels.csv',
    'recurrent predict model.onnx --file reviews.jsonl.gz --out labels.csv --resume',
    'cat mails.txt | recurrent predict model.onnx | cut -f 1 | sort | uniq -c',
    'recurrent predict model.onnx --json -- "--- a text that begins with dashes"',
  );
}

/** @throws OPTION_INVALID where results would replace the texts, or the name promises a format that is not written */
function checkOut(to: string | undefined, from: string | undefined): void {
  if (to === undefined) return;
  if (from !== undefined && resolve(from) === resolve(to)) {
    fail('OPTION_INVALID', `--out ${to} is the file of the texts`, 'Name another file for the results.');
  }
  if (formatOf(to) !== undefined || extname(to) === '') return;
  fail(
    'OPTION_INVALID',
    `--out ${to}: its name says no format that is written`,
    `Name it *.${textFormats.join(', *.')}.`,
  );
}

interface Job {
  /** Texts of the command line, which come first. */
  readonly words: readonly string[];
  readonly source: TextSource | undefined;
  readonly model: string;
  readonly bytes: Uint8Array;
  readonly classifier: Classifier;
}

/** @throws OPTION_INVALID when there is nothing to classify; OPTION_UNSUPPORTED for options that these texts do not have */
async function openSource(words: readonly string[], options: Options): Promise<TextSource | undefined> {
  const {
    file: path = words.length || process.stdin.isTTY ? undefined : '-',
    format: named,
    textColumn: column,
  } = options;
  if (path !== undefined) {
    const source = await openTexts(path, { format: named, column: column ?? 'text' });
    if (source.format === 'txt' && column !== undefined) {
      const hint = 'Leave --text-column out, or say what it is with --format.';
      fail('OPTION_UNSUPPORTED', `${source.name} is read as one text a line and has no columns`, hint);
    }
    return source;
  }
  const unused = named !== undefined ? '--format' : column !== undefined ? '--text-column' : undefined;
  if (words.length && unused) fail('OPTION_UNSUPPORTED', `${unused} is for texts from a file`, 'Leave it out.');
  if (words.length) return undefined;
  return fail('OPTION_INVALID', 'there is no text to classify', 'Give texts, --file, or pipe them in, one a line.');
}

/** What is said of the model beside its predictions. */
type About = { readonly model: string } & Pick<Classifier, 'labels' | 'providers' | 'providerNote' | 'warnings'>;

async function run(terminal: Terminal, options: Options, job: Job): Promise<void> {
  const { model, classifier, bytes, source } = job;
  const { labels, providers, providerNote, warnings } = classifier;
  const about: About = { model, labels, providers, providerNote, warnings };
  const sink = options.out === undefined ? outputSink(process.stdout) : await openFile(options.out, options, job);
  const began = performance.now();
  const work = async (signal: AbortSignal) => {
    const onRows = watchRows(terminal, source, began);
    try {
      return await classifyTexts({
        texts: textsOf(job, signal),
        predict: classifyRows(readMetadata(bytes), classifier),
        format: formatFor(options, terminal, about),
        sink,
        onRows,
        signal,
      });
    } finally {
      terminal.progress.stop();
      await sink.close();
    }
  };
  if (options.out === undefined) {
    await work(new AbortController().signal);
    return;
  }
  const summary = await interruptible(work).catch((error) => explainInterruption(error, options.out as string));
  answer(terminal, { ...about, out: options.out }, summary, (performance.now() - began) / 1000);
}

function openFile(path: string, { resume = false, textColumn, graphOptimisation }: Options, job: Job): Promise<Sink> {
  const { source, bytes, classifier } = job;
  return fileSink(path, {
    resume,
    about: {
      version: producer.version,
      model: createHash('sha256').update(bytes).digest('hex'),
      input: source?.format ?? 'arguments',
      column: textColumn ?? 'text',
      providers: classifier.providers.join(', '),
      graphOptimisation: graphOptimisation ?? 'all',
    },
  });
}

async function* textsOf({ words, source }: Job, signal: AbortSignal): AsyncGenerator<readonly string[]> {
  if (words.length) yield words;
  if (source) yield* source.texts(signal);
}

function formatFor({ out: path, json }: Options, { interactive }: Terminal, about: About): RowFormat {
  if (path !== undefined) return fileFormats[formatOf(path) ?? 'txt'];
  if (json) return jsonObject(about);
  return interactive ? terminalColumns(about.labels, process.stdout.columns ?? 80) : fileFormats.txt;
}

/** The bar knows how far it is by the bytes of the file; a pipe has no end that is known. */
function watchRows({ progress }: Terminal, source: TextSource | undefined, began: number): (rows: number) => void {
  if (source?.size === undefined) return () => {};
  progress.start('Classifying', source.size);
  return (rows) => {
    const rate = Math.round(rows / ((performance.now() - began) / 1000));
    progress.update(source.position, `${formatCount(rows)} texts, ${formatCount(rate)} a second`);
  };
}

function explainInterruption(error: unknown, path: string): never {
  if (!(error instanceof RecurrentError) || error.code !== 'INTERRUPTED') throw error;
  fail(
    'INTERRUPTED',
    `${error.message}; what is done is kept beside ${path}`,
    'Go on with the same command and --resume.',
  );
}

function answer(terminal: Terminal, about: About & { readonly out: string }, summary: Summary, seconds: number): void {
  const { rows, classified, counts } = summary;
  const rate = classified / seconds;
  terminal.answer(
    { ...about, texts: rows, classified, counts, seconds, textsPerSecond: rate },
    facts([
      ['written', `${about.out} (${formatCount(rows)} texts)`],
      ['took', `${formatSeconds(seconds)}, ${formatCount(Math.round(rate))} texts a second`],
      ...Object.entries(counts).map(([label, count]) => [label, formatCount(count)] as const),
    ]),
  );
}
