import { extname } from 'node:path';
import type { Command } from 'commander';
import { readMetadata } from '../../../models/metadata/metadata.ts';
import type { TrainingRecord } from '../../../models/model.ts';
import { readFileWhole } from '../../core/files.ts';
import { formatCount } from '../../core/format-numbers.ts';
import { evaluateOnnx, type OnnxEvaluation } from '../../parity/evaluate-onnx.ts';
import {
  type EvaluateOptions,
  type EvaluationReport,
  evaluate as evaluateModel,
  type LabelledTexts,
} from '../../training/evaluate.ts';
import { defineCommand, withExamples, withOptions } from '../command.ts';
import { describeMetrics, metricsOf } from '../describe/metrics.ts';
import { openData } from '../open/data.ts';
import { openTrainedModel } from '../open/trained-model.ts';
import { type DataOptions, dataOptions } from '../options/data.ts';
import {
  type ProviderCommandOptions,
  providerOptions,
  refuseProviderOptions,
  sessionOptionsOf,
} from '../options/provider.ts';
import { batchSize } from '../options/run.ts';
import { choosePart, type Part, split } from '../options/split.ts';
import { facts, table } from '../terminal/table.ts';
import type { TerminalOptions } from '../terminal/terminal.ts';

interface Options extends TerminalOptions, DataOptions, ProviderCommandOptions {
  readonly split?: Part;
  readonly batchSize?: number;
}

/** `recurrent evaluate`: metrics and confusions of a run or an ONNX file. */
export function evaluate(): Command {
  const command = defineCommand(
    'evaluate',
    'measure accuracy, loss, precision, recall, F1 and AUC on labelled texts',
    async (terminal, options: Options, model: string) => {
      const { training, judge } = await openJudged(model, options);
      const data = await openData(terminal, options);
      const part = choosePart(training, data, options.split);
      const report = await judge(part.texts, { batchSize: options.batchSize, progress: terminal.progress });
      const { examples, labels, classes, confusion, runner } = report;
      for (const warning of report.warnings) terminal.warn(`warning: ${warning}`);
      terminal.answer(
        {
          ...metricsOf(report),
          ...{ examples, split: part.split, labels, confusion, runner },
          classes: classes.map((one, label) => ({ label: labels[label], ...one })),
        },
        [
          facts([...describeMetrics(report), ['on', part.note], ['with', runner]]),
          describeClasses(labels, classes),
          describeConfusion(labels, confusion),
        ].join('\n\n'),
      );
    },
  )
    .usage('[options] <run|model.onnx> --data <source>')
    .argument('<run|model.onnx>', 'folder of a run, a .safetensors file or an ONNX file');
  return withExamples(
    withOptions(command, ...dataOptions, split, batchSize, ...providerOptions),
    'recurrent evaluate runs/spam --data spam',
    'recurrent evaluate model.onnx --data reviews.csv --split all --json',
  );
}

/** A model, and how to judge it. */
interface Judged {
  readonly training: TrainingRecord | undefined;
  readonly judge: (data: LabelledTexts, options: EvaluateOptions) => Promise<OnnxEvaluation>;
}

async function openJudged(path: string, options: ProviderCommandOptions): Promise<Judged> {
  if (extname(path) === '.onnx') {
    const bytes = await readFileWhole(path);
    const session = sessionOptionsOf(options);
    return { training: readMetadata(bytes).training, judge: (...args) => evaluateOnnx(bytes, ...args, session) };
  }
  refuseProviderOptions(options, `${path} is a checkpoint, which a training engine evaluates`);
  const model = await openTrainedModel(path);
  const about = { runner: 'training engine', warnings: [] };
  return {
    training: model.training,
    judge: async (...args) => ({ ...(await evaluateModel(model, ...args)), ...about }),
  };
}

function describeClasses(labels: readonly string[], classes: EvaluationReport['classes']): string {
  return table(
    classes.map(({ precision, recall, f1, auc, support }, label) => [
      labels[label] ?? '',
      ...[precision, recall, f1].map((value) => value.toFixed(4)),
      auc?.toFixed(4) ?? '–',
      formatCount(support),
    ]),
    {
      head: ['class', 'precision', 'recall', 'F1', 'AUC', 'texts'],
      align: ['left', 'right', 'right', 'right', 'right', 'right'],
    },
  );
}

function describeConfusion(labels: readonly string[], confusion: EvaluationReport['confusion']): string {
  return table(
    labels.map((label, row) => [label, ...(confusion[row] ?? []).map(formatCount)]),
    { head: ['true ╲ taken for', ...labels], align: ['left', ...labels.map(() => 'right' as const)] },
  );
}
