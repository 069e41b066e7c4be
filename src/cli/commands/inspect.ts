import { existsSync } from 'node:fs';
import { extname } from 'node:path';
import { type Command, Option } from 'commander';
import type { ModelGraph } from '../../../exporters/graph/graph.ts';
import { loadCheckpoint } from '../../../models/checkpoint/checkpoint.ts';
import { cudaObstacles } from '../../../models/cuda-fit.ts';
import type { ModelSpec } from '../../../models/layers.ts';
import { readMetadata } from '../../../models/metadata/metadata.ts';
import type { TrainedModel } from '../../../models/model.ts';
import { countParameters, planModel } from '../../../models/plan.ts';
import { parseSpec } from '../../../models/spec.ts';
import { summary } from '../../../models/summary.ts';
import { zooModel } from '../../../models/zoo/zoo.ts';
import { fail } from '../../core/errors.ts';
import { readFileWhole } from '../../core/files.ts';
import { formatBytes } from '../../core/format-bytes.ts';
import { formatCount } from '../../core/format-numbers.ts';
import { runFiles } from '../../training/run-folder.ts';
import { defineCommand, withExamples, withOptions } from '../command.ts';
import { cudaFacts } from '../describe/cuda.ts';
import { describeValue, type Findings } from '../inspect/findings.ts';
import { inspectTraining } from '../inspect/training.ts';
import { readSpec } from '../open/spec.ts';
import { facts, table } from '../terminal/table.ts';
import type { TerminalOptions } from '../terminal/terminal.ts';

const training = new Option('--training', 'show the graph of one training step, as engine onnxruntime runs it');
const output = new Option('--output <file>', 'with --training: write that graph as an ONNX file');

interface Options extends TerminalOptions {
  readonly training?: boolean;
  readonly output?: string;
}

type Description = Omit<TrainedModel, 'weights'>;

/** `recurrent inspect`: what a spec, a checkpoint or an ONNX file holds. */
export function inspect(): Command {
  const command = defineCommand(
    'inspect',
    'show what a file holds: spec, summary, parameters, graph, metadata',
    async (terminal, options: Options, file: string) => {
      if (options.output !== undefined) checkOutput(options.output, options.training ?? false);
      const { object, paragraphs } = options.training
        ? await inspectTraining(await specOf(file), options.output)
        : await inspectFile(file);
      terminal.answer({ file, ...object }, paragraphs.join('\n\n'));
    },
  ).argument(
    '<file>',
    'an ONNX file, a run, a checkpoint (.safetensors) or a spec (.json); with --training also a model by name',
  );
  return withExamples(
    withOptions(command, training, output),
    'recurrent inspect runs/spam/model.onnx',
    'recurrent inspect spec.json --json',
    'recurrent inspect lstm --training --output step.onnx',
  );
}

function checkOutput(file: string, isTraining: boolean): void {
  if (!isTraining) fail('OPTION_UNSUPPORTED', '--output writes the graph of --training', 'Give --training too.');
  if (extname(file) !== '.onnx') fail('OPTION_INVALID', `${file} does not end in .onnx`, 'Name an .onnx file.');
}

/** The spec in a file, or that of a known model, for two classes. @throws MODEL_UNKNOWN */
async function specOf(name: string): Promise<ModelSpec> {
  switch (extname(name).toLowerCase()) {
    case '.onnx':
      return readMetadata(await readFileWhole(name)).spec;
    case '.safetensors':
      return (await loadCheckpoint(name)).model.spec;
    case '.json':
      return readSpec(name);
    default: {
      const { build, defaults } = zooModel(name);
      return parseSpec(build({ vocabularySize: defaults.vocabularySize, classes: 2 }));
    }
  }
}

async function inspectFile(file: string): Promise<Findings> {
  switch (extname(file).toLowerCase()) {
    case '.onnx':
      return inspectOnnx(await readFileWhole(file));
    case '.safetensors':
      return inspectCheckpoint(file);
    case '.json':
      return inspectSpec(file);
    default: {
      const { best } = runFiles(file);
      if (existsSync(best)) return inspectCheckpoint(best);
      return fail(
        'OPTION_INVALID',
        `${file} is none of the files that inspect knows`,
        'Name the folder of a run, or an .onnx, .safetensors or .json file.',
      );
    }
  }
}

async function inspectSpec(file: string): Promise<Findings> {
  const spec = await readSpec(file);
  const plan = planModel(spec);
  return {
    object: { kind: 'spec', spec, parameters: countParameters(plan), cudaObstacles: cudaObstacles(spec) },
    paragraphs: [summary(plan), facts([...cudaFacts(spec)])].filter(Boolean),
  };
}

async function inspectCheckpoint(file: string): Promise<Findings> {
  const { model, run } = await loadCheckpoint(file);
  const weights = [...model.weights].map(([name, { shape }]) => ({ name, shape }));
  const { weights: _, moments: __, ...progress } = run ?? {};
  return {
    object: { kind: 'checkpoint', ...describe(model), weights, ...(run && { run: progress }) },
    paragraphs: [
      ...paragraphsOf(model),
      table(
        weights.map(({ name, shape }) => [name, `[${shape.join(', ')}]`]),
        { head: ['weight', 'shape'] },
      ),
      ...(run ? [`${run.epoch} epochs done, the best is epoch ${run.bestEpoch}.`] : []),
    ],
  };
}

async function inspectOnnx(bytes: Uint8Array): Promise<Findings> {
  const { decodeOnnx } = await import('../../../exporters/onnx/decode.ts');
  const graph = decodeOnnx(bytes);
  const model = readMetadata(bytes);
  const { opset, producer } = graph;
  return {
    object: { kind: 'onnx', bytes: bytes.length, opset, producer, ...describe(model), graph: describeGraph(graph) },
    paragraphs: [
      ...paragraphsOf(model),
      table(
        graph.nodes.map(({ op, name, inputs, outputs }) => [
          op,
          name,
          inputs.filter(Boolean).join(', '),
          outputs.join(', '),
        ]),
        { head: ['node', 'name', 'inputs', 'outputs'] },
      ),
      facts([
        ['file', formatBytes(bytes.length)],
        ['opset', String(opset)],
        ['producer', `${producer.name} ${producer.version}`],
        ...graph.inputs.map((value) => ['input', describeValue(value)] as const),
        ...graph.outputs.map((value) => ['output', describeValue(value)] as const),
      ]),
    ],
  };
}

function describe({ spec, preprocessing, labels, vocabulary, training }: Description): object {
  const parameters = countParameters(planModel(spec));
  return {
    spec,
    parameters,
    cudaObstacles: cudaObstacles(spec),
    labels,
    preprocessing,
    vocabulary: { words: vocabulary.length },
    training,
  };
}

function paragraphsOf({ spec, preprocessing, labels, vocabulary, training }: Description): string[] {
  const { maxLength, padding, truncating } = preprocessing;
  return [
    summary(planModel(spec), { time: maxLength }),
    facts([
      ['labels', labels.join(', ')],
      ['vocabulary', `${formatCount(vocabulary.length)} words: ${vocabulary.slice(0, 8).join(' ')} …`],
      ['texts', `${maxLength} steps, padding ${padding}, truncating ${truncating}`],
      ...(training
        ? [['trained on', `${training.source}, seed ${training.seed}, engine ${training.engine}`] as const]
        : []),
      ...cudaFacts(spec),
    ]),
  ];
}

function describeGraph({ name, inputs, outputs, nodes, initialisers }: ModelGraph): object {
  return {
    name,
    inputs,
    outputs,
    nodes: nodes.map(({ name, op, inputs, outputs }) => ({ name, op, inputs, outputs })),
    initialisers: initialisers.map(({ name, tensor: { dataType, dims } }) => ({ name, dataType, dims })),
  };
}
