import { type Command, Option } from 'commander';
import { loadClassifier } from '../../../runtime/predict/classifier.ts';
import type { Prediction } from '../../../runtime/predict/prediction.ts';
import { fail } from '../../core/errors.ts';
import { defineCommand, withExamples, withOptions } from '../command.ts';
import {
  type ProviderCommandOptions,
  providerOptions,
  sessionOptionsOf,
  warnOfFallbacks,
} from '../provider-options.ts';
import { readTexts } from '../read-texts.ts';
import { excerpt, printable } from '../terminal/format.ts';
import { table } from '../terminal/table.ts';
import type { Terminal, TerminalOptions } from '../terminal/terminal.ts';

const file = new Option('--file <path>', 'texts to classify, one a line; - for standard input');

interface Options extends TerminalOptions, ProviderCommandOptions {
  readonly file?: string;
}

interface Classified extends Prediction {
  readonly text: string;
}

/** Texts between two steps of the progress bar. */
const chunk = 500;

/** `recurrent predict`: labels of raw texts, by onnxruntime. */
export function predict(): Command {
  const command = defineCommand(
    'predict',
    'classify texts with an ONNX file',
    async (terminal, options: Options, model: string, words: string[]) => {
      const texts = await collectTexts(words, options.file);
      const classifier = await loadClassifier(model, sessionOptionsOf(options));
      try {
        warnOfFallbacks(terminal, classifier);
        const { labels, providers, providerNote, warnings } = classifier;
        const classified = await classify(terminal, classifier.predictBatch, texts);
        terminal.answer(
          { model, labels, providers, providerNote, warnings, predictions: classified },
          describe(terminal, classified),
        );
      } finally {
        await classifier.dispose();
      }
    },
  )
    .argument('<model.onnx>', 'an ONNX file')
    .argument('[text...]', 'texts to classify; without any, standard input is read, one text a line');
  return withExamples(
    withOptions(command, file, ...providerOptions),
    'recurrent predict model.onnx "You have won a prize" "See you on Monday"',
    'recurrent predict model.onnx --file mails.txt',
    'cat mails.txt | recurrent predict model.onnx | cut -f 1 | sort | uniq -c',
    'recurrent predict model.onnx --json -- "--- a text that begins with dashes"',
  );
}

/** What is given on the command line comes first. @throws OPTION_INVALID when there is nothing to classify */
async function collectTexts(words: readonly string[], path: string | undefined): Promise<readonly string[]> {
  if (path !== undefined) return [...words, ...(await readTexts(path))];
  if (words.length) return words;
  if (!process.stdin.isTTY) return readTexts('-');
  return fail('OPTION_INVALID', 'there is no text to classify', 'Give texts, --file, or pipe them in, one a line.');
}

async function classify(
  { progress }: Terminal,
  predictBatch: (texts: readonly string[]) => Promise<Prediction[]>,
  texts: readonly string[],
): Promise<Classified[]> {
  const classified: Classified[] = [];
  progress.start('Classifying', texts.length);
  for (let from = 0; from < texts.length; from += chunk) {
    const some = texts.slice(from, from + chunk);
    const predictions = await predictBatch(some);
    for (const [index, prediction] of predictions.entries())
      classified.push({ text: some[index] as string, ...prediction });
    progress.update(classified.length);
  }
  progress.stop();
  return classified;
}

/** Columns on a terminal; in a pipe, fields between tabs with the whole text. */
function describe({ interactive }: Terminal, classified: readonly Classified[]): string {
  if (!interactive) {
    return classified
      .map(({ label, probability, text }) => [printable(label), probability.toFixed(4), printable(text)].join('\t'))
      .join('\n');
  }
  const width = Math.max(20, (process.stdout.columns ?? 80) - 40);
  const rows = classified.map(({ label, probability, text, knownWords }) => [
    label,
    probability.toFixed(4),
    knownWords ? excerpt(text, width) : `${excerpt(text, width)} (no known word)`,
  ]);
  return table(rows);
}
