/** The graph of a model's training step, as `recurrent inspect --training` shows it. */
import type { Graph, ModelGraph, Node } from '../../../exporters/graph/graph.ts';
import type { ModelSpec } from '../../../models/layers.ts';
import { writeFileAtomically } from '../../core/files.ts';
import { formatCount } from '../../core/format-numbers.ts';
import { facts, table } from '../terminal/table.ts';
import { describeValue, type Findings } from './findings.ts';

/** @param output where to write it as an ONNX file, if at all */
export async function inspectTraining(spec: ModelSpec, output: string | undefined): Promise<Findings> {
  const { trainingGraph } = await import('../../training/engines/onnxruntime/graph/step-graph.ts');
  const graph = trainingGraph(spec);
  if (output !== undefined) {
    const { encodeOnnx } = await import('../../../exporters/onnx/encode.ts');
    await writeFileAtomically(output, encodeOnnx(graph));
  }
  return describeTraining(graph, output);
}

function describeTraining(graph: ModelGraph, output: string | undefined): Findings {
  const { inputs, outputs, opset } = graph;
  const nodes = withBodies(graph);
  const parts = countBy(nodes, partOf);
  const operators = countBy(nodes, ({ op }) => op).toSorted((a, b) => b.count - a.count);
  const scans = graph.nodes.flatMap(({ name, attributes }) =>
    bodiesIn(attributes).map((body) => ({
      node: name,
      inputs: body.inputs,
      outputs: body.outputs,
      nodes: body.nodes.map(({ name, op, inputs, outputs }) => ({ name, op, inputs, outputs })),
    })),
  );
  return {
    object: { kind: 'training', opset, nodes: nodes.length, inputs, outputs, parts, operators, scans, output },
    paragraphs: [
      'One step of training as an ONNX graph: the parameters come in, their gradients go out. Engine onnxruntime runs it.',
      facts([
        ...inputs.map((value) => ['input', describeValue(value)] as const),
        ...outputs.map((value) => ['output', describeValue(value)] as const),
      ]),
      countTable('part', parts),
      countTable('operator', operators),
      ...scans.map(({ node, inputs, outputs, nodes }) =>
        [
          `Body of ${node}, computed at every time step:`,
          facts([
            ...inputs.map((value) => ['input', describeValue(value)] as const),
            ...outputs.map((value) => ['output', describeValue(value)] as const),
          ]),
          table(
            nodes.map(({ op, inputs, outputs }) => [op, inputs.filter(Boolean).join(', '), outputs.join(', ')]),
            { head: ['node', 'inputs', 'outputs'] },
          ),
        ].join('\n'),
      ),
      facts([
        ['nodes', `${formatCount(nodes.length)}, ${formatCount(graph.nodes.length)} of them outside the bodies`],
        ['opset', String(opset)],
        ...(output === undefined ? [] : [['written', output] as const]),
      ]),
    ],
  };
}

/** Every node, those of the bodies after the node that has them. */
function withBodies(graph: Graph): readonly Node[] {
  return graph.nodes.flatMap((node) => [node, ...bodiesIn(node.attributes).flatMap(withBodies)]);
}

function bodiesIn(attributes: Node['attributes']): readonly Graph[] {
  return Object.values(attributes).flatMap((attribute) => (attribute.type === 'graph' ? [attribute.value] : []));
}

/** What a node's name begins with: the layer and the pass that it belongs to. */
function partOf({ name }: Node): string {
  return name.split('/').slice(0, -1).join('/') || 'between the layers';
}

function countBy(
  nodes: readonly Node[],
  key: (node: Node) => string,
): { readonly name: string; readonly count: number }[] {
  const counts = new Map<string, number>();
  for (const node of nodes) counts.set(key(node), (counts.get(key(node)) ?? 0) + 1);
  return [...counts].map(([name, count]) => ({ name, count }));
}

function countTable(what: string, counts: readonly { readonly name: string; readonly count: number }[]): string {
  return table(
    counts.map(({ name, count }) => [name, formatCount(count)]),
    { head: [what, 'nodes'], align: ['left', 'right'] },
  );
}
