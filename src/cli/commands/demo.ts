import { type Command, Option } from 'commander';
import { readMetadata } from '../../../models/metadata/metadata.ts';
import { loadClassifier } from '../../../runtime/predict/classifier.ts';
import { fail } from '../../core/errors.ts';
import { writeFileAtomically } from '../../core/files.ts';
import type { Example } from '../../data/dataset.ts';
import { runParity } from '../../parity/matrix.ts';
import { assertParity } from '../../parity/report.ts';
import { evaluateWith, type LabelledTexts } from '../../training/evaluate.ts';
import { defineCommand, withExamples, withOptions } from '../command.ts';
import { openData } from '../data.ts';
import { commandLine } from '../invocation.ts';
import { type DataOptions, dataOptions, type RunCommandOptions, runOptions } from '../options.ts';
import { describeParity } from '../parity-tables.ts';
import { createStages, describeStages } from '../stages.ts';
import { formatBytes, formatCountOf, formatShare, formatSmall } from '../terminal/format.ts';
import { facts } from '../terminal/table.ts';
import type { Terminal, TerminalOptions } from '../terminal/terminal.ts';
import { openModel, trainWatched } from '../training.ts';
import { defaultSample, encode } from './parity.ts';

const out = new Option('--out <folder>', 'folder of the run; one that is there is replaced').default('runs/spam');

interface Options extends TerminalOptions, DataOptions, RunCommandOptions {
  readonly out: string;
}

/** `recurrent demo`: the whole way from raw mails to a proven ONNX classifier. What `npm start` runs. */
export function demo(): Command {
  const command = defineCommand(
    'demo',
    'the whole way on real mails: train, export, prove that the numbers are the same',
    async (terminal, options: Options, name: string) => {
      const began = performance.now();
      const stages = createStages(terminal);
      const model = await openModel(name);
      if (options.testSplit === 0) {
        fail('OPTION_UNSUPPORTED', 'demo needs held-out texts to classify', 'Leave --test-split out, or use train.');
      }
      const data = await stages.run('read', 'Reading the texts', () =>
        openData(terminal, { ...options, data: options.data ?? 'spam' }),
      );
      const training = await stages.run('train', 'Training', () =>
        trainWatched(terminal, { name, model, data, options, out: options.out, mode: 'overwrite' }),
      );
      const { files, history, bestEpoch, engine, split } = training;
      const onnx = await stages.run('export', `Exporting ${files.onnx}`, async () => {
        const { exportOnnx } = await import('../../../exporters/export.ts');
        const bytes = exportOnnx(training.model, { tanh: 'exact' }); // closest to float64 on the CPU, where this runs
        await writeFileAtomically(files.onnx, bytes);
        terminal.say(`One file of ${formatBytes(bytes.length)}: graph, weights, vocabulary, labels.`);
        return bytes;
      });
      const examples = Array.from(split.test, (index) => data.examples[index] as Example);
      const held = `the ${formatCountOf(examples.length, 'held-out text')}`;
      const { accuracy, loss } = await stages.run('evaluate', `Classifying ${held} with onnxruntime`, async () => {
        const report = await evaluateFile(terminal, onnx, { labels: data.labels, examples });
        terminal.say(`Accuracy ${formatShare(report.accuracy)}, loss ${report.loss.toFixed(4)}.`);
        return report;
      });
      const report = await stages.run('prove', `Comparing all runtimes on ${held}`, async () => {
        const texts = examples.map(({ text }) => text);
        const found = await runParity({
          subject: { model: training.model, onnx },
          ...encode(training.model, texts),
          samples: { tensorflow: defaultSample },
          progress: terminal.progress,
        });
        terminal.say(`${describeParity(found)}\n`);
        return found;
      });

      const seconds = (performance.now() - began) / 1000;
      const { flips, maxAbsError, smallestMargin, runners } = report;
      const next = [
        commandLine('predict', files.onnx, data.source === 'spam' ? 'You have won a free prize' : 'your text'),
        commandLine('inspect', files.onnx),
        commandLine('parity', options.out, '--data', data.source),
      ];
      terminal.answer(
        {
          ...{ accuracy, loss, examples: examples.length, flips, maxAbsError, smallestMargin, seconds },
          ...{ epochs: history.length, bestEpoch, engine, stages: stages.done, runners, files, next },
        },
        [
          facts([
            ['accuracy', `${formatShare(accuracy)} of ${held}`],
            ['label flips', String(flips)],
            ['largest error', `${formatSmall(maxAbsError)} on a probability, against float64`],
            ['smallest margin', formatSmall(smallestMargin)],
          ]),
          describeStages([...stages.done, { name: 'in all', seconds }]),
          facts([
            ['ONNX model', files.onnx],
            ['best checkpoint', files.best],
            ['history', files.history],
          ]),
          `Try next:\n${next.map((line) => `  ${line}`).join('\n')}`,
        ].join('\n\n'),
      );
      assertParity(report);
    },
  ).argument('[model]', 'name of a known model, or a spec in a .json file', 'spam-lstm');
  return withExamples(
    withOptions(command, ...dataOptions, out, ...runOptions),
    'recurrent demo',
    'recurrent demo gru-masked --data tickets.csv --out runs/tickets --json',
  );
}

async function evaluateFile({ progress }: Terminal, onnx: Uint8Array, data: LabelledTexts) {
  const classifier = await loadClassifier(onnx);
  try {
    return await evaluateWith(classifier.predictIds, readMetadata(onnx), data, { progress });
  } finally {
    await classifier.dispose();
  }
}
