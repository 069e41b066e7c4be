/** What a spec, a checkpoint or an ONNX file holds. */
import type { ModelGraph } from '../../../exporters/graph/graph.ts';
import { loadCheckpoint } from '../../../models/checkpoint/checkpoint.ts';
import { cudaObstacles } from '../../../models/cuda-fit.ts';
import { readMetadata } from '../../../models/metadata/metadata.ts';
import type { TrainedModel } from '../../../models/model.ts';
import { countParameters, planModel } from '../../../models/plan.ts';
import { summary } from '../../../models/summary.ts';
import { formatBytes } from '../../core/format-bytes.ts';
import { formatCount } from '../../core/format-numbers.ts';
import { cudaFacts } from '../describe/cuda.ts';
import { readSpec } from '../open/spec.ts';
import { facts, table } from '../terminal/table.ts';
import { describeValue, type Findings } from './findings.ts';

type Description = Omit<TrainedModel, 'weights'>;

export async function inspectSpec(file: string): Promise<Findings> {
  const spec = await readSpec(file);
  const plan = planModel(spec);
  return {
    object: { kind: 'spec', spec, parameters: countParameters(plan), cudaObstacles: cudaObstacles(spec) },
    paragraphs: [summary(plan), facts([...cudaFacts(spec)])].filter(Boolean),
  };
}

export async function inspectCheckpoint(file: string): Promise<Findings> {
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

export async function inspectOnnx(bytes: Uint8Array): Promise<Findings> {
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
