import { type Command, Option } from 'commander';
import type { TrainedModel } from '../../../models/model.ts';
import { fail } from '../../core/errors.ts';
import { writeFileAtomically } from '../../core/files.ts';
import { formatBytes } from '../../core/format-bytes.ts';
import { formatCountOf, formatShare, formatSmall } from '../../core/format-numbers.ts';
import { partOf } from '../../data/part.ts';
import { evaluateOnnx } from '../../parity/evaluate-onnx.ts';
import { runParity } from '../../parity/matrix.ts';
import { assertParity } from '../../parity/report.ts';
import { encodeFor, type LabelledTexts } from '../../training/evaluate.ts';
import { defineCommand, withExamples, withOptions } from '../command.ts';
import { createStages, describeStages } from '../demo/stages.ts';
import { describeParity } from '../describe/parity.ts';
import { commandLine } from '../invocation.ts';
import { openData } from '../open/data.ts';
import { openSpec } from '../open/spec.ts';
import { type DataOptions, dataArguments, dataOptions } from '../options/data.ts';
import { type RunCommandOptions, runOptions } from '../options/run.ts';
import { facts } from '../terminal/table.ts';
import type { Terminal, TerminalOptions } from '../terminal/terminal.ts';
import { trainWatched } from '../training.ts';
import { defaultSample } from './parity.ts';

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
      if (options.testSplit === 0) {
        fail('OPTION_UNSUPPORTED', 'demo needs held-out texts to classify', 'Leave --test-split out, or use train.');
      }
      const model = await openSpec(name);
      const stages = createStages(terminal);
      const data = await stages.run('read', 'Reading the texts', () =>
        openData(terminal, { ...options, data: options.data ?? 'spam' }),
      );
      const training = await stages.run('train', 'Training', () =>
        trainWatched(terminal, { name, model, data, options, out: options.out, mode: 'overwrite' }),
      );
      const { files, history, bestEpoch, engine, memory, split } = training;
      const onnx = await stages.run('export', `Exporting ${files.onnx}`, () =>
        exportTo(terminal, files.onnx, training.model),
      );
      const held = partOf(data, split.test);
      const texts = `the ${formatCountOf(held.examples.length, 'held-out text')}`;
      const { accuracy, loss } = await stages.run('evaluate', `Classifying ${texts} with onnxruntime`, () =>
        evaluateOnnx(onnx, held, { progress: terminal.progress }),
      );
      const report = await stages.run('prove', `Comparing all runtimes on ${texts}`, () =>
        compare(terminal, training.model, onnx, held),
      );

      const seconds = (performance.now() - began) / 1000;
      const { flips, maxAbsError, smallestMargin, runners } = report;
      const next = [
        commandLine('predict', files.onnx, data.source === 'spam' ? 'You have won a free prize' : 'your text'),
        commandLine('inspect', files.onnx),
        commandLine('parity', options.out, ...dataArguments(data.source, options)),
      ];
      terminal.answer(
        {
          ...{ accuracy, loss, examples: held.examples.length, flips, maxAbsError, smallestMargin, seconds },
          ...{ epochs: history.length, bestEpoch, engine, memory, stages: stages.done, runners, files, next },
        },
        [
          facts([
            ['accuracy', `${formatShare(accuracy)} of ${texts}`],
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

async function exportTo(terminal: Terminal, file: string, model: TrainedModel): Promise<Uint8Array> {
  const { exportOnnx } = await import('../../../exporters/export.ts');
  const bytes = exportOnnx(model);
  await writeFileAtomically(file, bytes);
  terminal.say(`One file of ${formatBytes(bytes.length)}: graph, weights, vocabulary, labels.`);
  return bytes;
}

async function compare(terminal: Terminal, model: TrainedModel, onnx: Uint8Array, held: LabelledTexts) {
  const { ids, rows, time } = encodeFor(model, held);
  const report = await runParity({
    subject: { model, onnx },
    ...{ ids, rows, time },
    samples: { tensorflow: defaultSample },
    progress: terminal.progress,
  });
  terminal.say(`${describeParity(report)}\n`);
  return report;
}
