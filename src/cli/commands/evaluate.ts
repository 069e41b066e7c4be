import { extname } from 'node:path';
import { type Command, Option } from 'commander';
import { readMetadata } from '../../../models/metadata/metadata.ts';
import { loadClassifier } from '../../../runtime/predict/classifier.ts';
import { readFileWhole } from '../../core/files.ts';
import type { Dataset } from '../../data/dataset.ts';
import { type EvaluationReport, evaluate as evaluateModel, evaluateWith } from '../../training/evaluate.ts';
import { defineCommand, withExamples, withOptions } from '../command.ts';
import { openData } from '../data.ts';
import { openTrainedModel } from '../open-model.ts';
import { batchSize, type DataOptions, dataOptions } from '../options.ts';
import { type ChosenPart, choosePart, type Part, parts } from '../part.ts';
import { formatCount, formatShare } from '../terminal/format.ts';
import { facts, table } from '../terminal/table.ts';
import type { Terminal, TerminalOptions } from '../terminal/terminal.ts';

const split = new Option(
  '--split <part>',
  'which texts (default: the held-out test part if the model was trained on these texts, else all)',
).choices(parts);

interface Options extends TerminalOptions, DataOptions {
  readonly split?: Part;
  readonly batchSize?: number;
}

/** `recurrent evaluate`: accuracy, loss and confusions of a run or an ONNX file. */
export function evaluate(): Command {
  const command = defineCommand(
    'evaluate',
    'measure accuracy and loss on labelled texts',
    async (terminal, options: Options, model: string) => {
      const isOnnx = extname(model) === '.onnx';
      const { part, report, runner } = await (isOnnx ? evaluateOnnx : evaluateRun)(terminal, options, model);
      const { accuracy, loss, examples, labels, confusion } = report;
      terminal.answer(
        { accuracy, loss, examples, split: part.split, labels, confusion, runner },
        [
          facts([
            ['accuracy', formatShare(accuracy)],
            ['loss', loss.toFixed(4)],
            ['on', part.note],
            ['with', runner],
          ]),
          describeConfusion(labels, confusion),
        ].join('\n\n'),
      );
    },
  )
    .usage('[options] <run|model.onnx> --data <source>')
    .argument('<run|model.onnx>', 'folder of a run, a .safetensors file or an ONNX file');
  return withExamples(
    withOptions(command, ...dataOptions, split, batchSize),
    'recurrent evaluate runs/spam --data spam',
    'recurrent evaluate model.onnx --data reviews.csv --split all --json',
  );
}

interface Evaluated {
  readonly part: ChosenPart;
  readonly report: EvaluationReport;
  /** What computed the model. */
  readonly runner: string;
}

async function evaluateRun(terminal: Terminal, options: Options, path: string): Promise<Evaluated> {
  const model = await openTrainedModel(path);
  const { part, data } = await openPart(terminal, options, model.training);
  const report = await evaluateModel(model, data, { batchSize: options.batchSize, progress: terminal.progress });
  return { part, report, runner: 'training engine' };
}

async function evaluateOnnx(terminal: Terminal, options: Options, path: string): Promise<Evaluated> {
  const bytes = await readFileWhole(path);
  const model = readMetadata(bytes);
  const classifier = await loadClassifier(bytes);
  try {
    const { part, data } = await openPart(terminal, options, model.training);
    const { progress } = terminal;
    const report = await evaluateWith(classifier.predictIds, model, data, { batchSize: options.batchSize, progress });
    return { part, report, runner: `onnxruntime (${classifier.providers.join(', ')})` };
  } finally {
    await classifier.dispose();
  }
}

async function openPart(terminal: Terminal, options: Options, training: Parameters<typeof choosePart>[0]) {
  const data: Dataset = await openData(terminal, options);
  const part = choosePart(training, data, options.split);
  return { part, data: { labels: data.labels, examples: part.examples } };
}

function describeConfusion(labels: readonly string[], confusion: EvaluationReport['confusion']): string {
  return table(
    labels.map((label, row) => [label, ...(confusion[row] ?? []).map(formatCount)]),
    { head: ['true ╲ taken for', ...labels], align: ['left', ...labels.map(() => 'right' as const)] },
  );
}
