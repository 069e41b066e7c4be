/** The checker passes what lowering writes and refuses it once it is broken; onnxruntime gives a second opinion. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { buildGraph } from '../../../exporters/export.ts';
import { createGraphBuilder, float } from '../../../exporters/graph/builder.ts';
import { checkGraph } from '../../../exporters/graph/check.ts';
import type { Attribute, Graph, ModelGraph, Node, Tensor } from '../../../exporters/graph/graph.ts';
import { encodeOnnx } from '../../../exporters/onnx/encode.ts';
import { openSession } from '../../../runtime/onnx/session.ts';
import { arbitrarySpec } from '../../support/arbitrary-spec.ts';
import { modelOf, trainedModel } from '../../support/trained-model.ts';

const head = { type: 'dense', units: 1, activation: 'sigmoid' } as const;
const embedding = { type: 'embedding', inputDim: 7, outputDim: 3 } as const;

/** A running sum over time, by a Scan whose body uses a value of the graph around it. */
function scanGraph(): ModelGraph {
  const g = createGraphBuilder(17);
  const x = g.input('x', 'float32', ['time', 'batch', 2]);
  const start = g.input('start', 'float32', ['batch', 2]);
  const scale = g.initialiser('scale', { dataType: 'float32', dims: [2], data: Float32Array.of(1, 2) });
  const loop = g.body('step', (b) => {
    const state = b.input('state', 'float32', ['batch', 2]);
    const now = b.input('now', 'float32', ['batch', 2]);
    const next = b.add(state, b.mul(now, scale));
    b.output('next', next, 'float32', ['batch', 2]);
    b.output('all', next, 'float32', ['batch', 2]);
  });
  const [last, all] = g.nodes('Scan', [start, x], { body: loop, num_scan_inputs: 1 }, [true, true]) as [string, string];
  g.output('last', last, 'float32', ['batch', 2]);
  g.output('all', all, 'float32', ['time', 'batch', 2]);
  return { ...g.build('scan'), opset: 17, producer: { name: 'test', version: '1' }, metadata: [] };
}

const graphs = {
  lstm: buildGraph(modelOf([embedding, { type: 'lstm', units: 4 }, head])),
  'masked bidirectional gru': buildGraph(
    modelOf([
      { ...embedding, maskZero: true },
      { type: 'bidirectional', layer: { type: 'gru', units: 2, recurrentActivation: 'hardSigmoid' } },
      head,
    ]),
  ),
  'pooled simple rnn': buildGraph(
    modelOf([
      { type: 'oneHot', depth: 5 },
      { type: 'simpleRnn', units: 4, activation: 'elu', returnSequences: true, goBackwards: true },
      { type: 'pooling', kind: 'max' },
      { type: 'dense', units: 3, activation: 'softmax' },
    ]),
  ),
  scan: scanGraph(),
} as const;

function edit<T>(list: readonly T[], index: number, change: (item: T) => T): T[] {
  return list.map((item, at) => (at === index ? change(item) : item));
}

function editNode(graph: ModelGraph, index: number, change: (node: Node) => Node): ModelGraph {
  return { ...graph, nodes: edit(graph.nodes, index, change) };
}

function editAttribute(graph: ModelGraph, index: number, name: string, attribute: Attribute | undefined): ModelGraph {
  return editNode(graph, index, (node) => {
    const { [name]: _, ...others } = node.attributes;
    return { ...node, attributes: attribute ? { ...others, [name]: attribute } : others };
  });
}

const recurrentNode = (graph: Graph) => graph.nodes.findIndex(({ op }) => ['RNN', 'LSTM', 'GRU'].includes(op));

function editRecurrent(name: string, change: (value: never) => unknown) {
  return (graph: ModelGraph) => {
    const index = recurrentNode(graph);
    const attribute = graph.nodes[index]?.attributes[name];
    if (!attribute) return undefined;
    const changed = { ...attribute, value: change(attribute.value as never) } as Attribute;
    return editAttribute(graph, index, name, changed);
  };
}

/** Changes the weight that a recurrent node takes at `position`: 1 W, 2 R, 3 B. */
function editWeight(position: number, change: (tensor: Tensor) => Tensor) {
  return (graph: ModelGraph) => {
    const name = graph.nodes[recurrentNode(graph)]?.inputs[position];
    const at = graph.initialisers.findIndex((initialiser) => initialiser.name === name);
    const tensor = graph.initialisers[at]?.tensor;
    if (!name || !tensor) return undefined;
    const changed = change(tensor);
    if (changed.dataType === tensor.dataType && changed.dims.join() === tensor.dims.join()) return undefined;
    return {
      ...graph,
      initialisers: edit(graph.initialisers, at, () => ({ name, tensor: changed })),
    };
  };
}

const swapLast = ({ dims, ...rest }: Tensor): Tensor =>
  ({ ...rest, dims: [...dims.slice(0, -2), dims.at(-1), dims.at(-2)] }) as Tensor;
const sliced = (tensor: Tensor): Tensor => ({ ...tensor, data: tensor.data.slice(1) }) as Tensor;

interface Mutation {
  /** Undefined where the graph has nothing to break in this way. `pick` chooses a place. */
  readonly apply: (graph: ModelGraph, pick: number) => ModelGraph | undefined;
  /** Whether onnxruntime refuses it too, on opening or on running it; it takes some graphs that nobody should write. */
  readonly ort: 'refuses' | 'refuses to run' | 'lenient';
}

const node = (graph: ModelGraph, pick: number) => pick % graph.nodes.length;

const mutations: Readonly<Record<string, Mutation>> = {
  'a node is lost': {
    ort: 'refuses',
    apply: (graph, pick) => ({ ...graph, nodes: graph.nodes.filter((_, at) => at !== node(graph, pick)) }),
  },
  'a node comes after those that use it': {
    ort: 'lenient',
    apply: (graph, pick) => {
      const moved = graph.nodes[node(graph, pick)] as Node;
      const used = graph.nodes.some(({ inputs }) => inputs.some((name) => moved.outputs.includes(name)));
      return used ? { ...graph, nodes: [...graph.nodes.filter((each) => each !== moved), moved] } : undefined;
    },
  },
  'a node takes a value that nobody makes': {
    ort: 'refuses',
    apply: (graph, pick) =>
      editNode(graph, node(graph, pick), (each) => ({ ...each, inputs: ['nowhere', ...each.inputs.slice(1)] })),
  },
  'a value is made twice': {
    ort: 'refuses',
    apply: (graph, pick) => {
      const copied = graph.nodes[node(graph, pick)] as Node;
      return { ...graph, nodes: [...graph.nodes, { ...copied, name: 'copy' }] };
    },
  },
  'two nodes have one name': {
    ort: 'lenient',
    apply: (graph, pick) => {
      const first = graph.nodes[0]?.name ?? '';
      return pick % graph.nodes.length === 0
        ? undefined
        : editNode(graph, node(graph, pick), (each) => ({ ...each, name: first }));
    },
  },
  'a node has no name': {
    ort: 'lenient',
    apply: (graph, pick) => editNode(graph, node(graph, pick), (each) => ({ ...each, name: '' })),
  },
  'an operator is unknown': {
    ort: 'refuses',
    apply: (graph, pick) => editNode(graph, node(graph, pick), (each) => ({ ...each, op: 'Nonsense' })),
  },
  'an operator is a property of every object': {
    ort: 'refuses',
    apply: (graph, pick) => editNode(graph, node(graph, pick), (each) => ({ ...each, op: 'constructor' })),
  },
  'an attribute is unknown': {
    ort: 'refuses',
    apply: (graph, pick) => editAttribute(graph, node(graph, pick), 'colour', { type: 'int', value: 1 }),
  },
  'an attribute has another type': {
    ort: 'refuses',
    apply: (graph, pick) => {
      const index = node(graph, pick);
      const [name] = Object.keys(graph.nodes[index]?.attributes ?? {});
      if (name === undefined) return undefined;
      const other: Attribute =
        graph.nodes[index]?.attributes[name]?.type === 'int' ? float(1) : { type: 'int', value: 1 };
      return editAttribute(graph, index, name, other);
    },
  },
  'an attribute is left to the default': {
    ort: 'lenient',
    apply: (graph, pick) => {
      const index = node(graph, pick);
      const names = Object.keys(graph.nodes[index]?.attributes ?? {}).filter((name) => !name.includes('_'));
      const [name] = names;
      return name === undefined ? undefined : editAttribute(graph, index, name, undefined);
    },
  },
  'a node has too many inputs': {
    ort: 'refuses',
    apply: (graph, pick) => {
      const index = node(graph, pick);
      if (['Concat', 'Max', 'Scan'].includes(graph.nodes[index]?.op ?? '')) return undefined;
      const [first] = graph.nodes[index]?.inputs ?? [];
      return editNode(graph, index, (each) => ({ ...each, inputs: Array<string>(9).fill(first as string) }));
    },
  },
  'a node has no inputs': {
    ort: 'refuses',
    apply: (graph, pick) => editNode(graph, node(graph, pick), (each) => ({ ...each, inputs: [] })),
  },
  'a node has too many outputs': {
    ort: 'refuses',
    apply: (graph, pick) =>
      editNode(graph, node(graph, pick), (each) => ({ ...each, outputs: [...each.outputs, 'm1', 'm2', 'm3', 'm4'] })),
  },
  'an initialiser is short of a value': {
    ort: 'refuses',
    apply: (graph, pick) => ({
      ...graph,
      initialisers: edit(graph.initialisers, pick % graph.initialisers.length, ({ name, tensor }) => ({
        name,
        tensor: sliced(tensor),
      })),
    }),
  },
  'an initialiser has a negative dimension': {
    ort: 'refuses',
    apply: (graph, pick) => ({
      ...graph,
      initialisers: edit(graph.initialisers, pick % graph.initialisers.length, ({ name, tensor }) => ({
        name,
        tensor: { ...tensor, dims: [-1, -tensor.data.length] },
      })),
    }),
  },
  'an initialiser is used by nobody': {
    ort: 'lenient',
    apply: (graph) => ({
      ...graph,
      initialisers: [
        ...graph.initialisers,
        { name: 'unused', tensor: { dataType: 'float32', dims: [], data: Float32Array.of(1) } },
      ],
    }),
  },
  'an initialiser is there twice': {
    ort: 'lenient', // the later one wins without a word
    apply: (graph, pick) => {
      const copied = graph.initialisers[pick % graph.initialisers.length];
      return copied && { ...graph, initialisers: [...graph.initialisers, copied] };
    },
  },
  'a node is dead': {
    ort: 'lenient',
    apply: (graph) => {
      const [input] = graph.inputs;
      const dead = { name: 'dead', op: 'Identity', inputs: [input?.name ?? ''], outputs: ['dead'], attributes: {} };
      return { ...graph, nodes: [...graph.nodes, dead] };
    },
  },
  'an output is not made': {
    ort: 'refuses',
    apply: (graph) => ({ ...graph, outputs: edit(graph.outputs, 0, (output) => ({ ...output, name: 'nowhere' })) }),
  },
  'an output has another element type': {
    ort: 'refuses',
    apply: (graph) => ({ ...graph, outputs: edit(graph.outputs, 0, (output) => ({ ...output, dataType: 'int64' })) }),
  },
  'an output is listed twice': {
    ort: 'lenient',
    apply: (graph) => ({ ...graph, outputs: [...graph.outputs, ...graph.outputs] }),
  },
  'no output is listed': { ort: 'lenient', apply: (graph) => ({ ...graph, outputs: [] }) },
  'an input has another element type': {
    ort: 'refuses',
    apply: (graph) => ({
      ...graph,
      inputs: edit(graph.inputs, 0, (input) => ({ ...input, dataType: input.dataType === 'bool' ? 'int32' : 'bool' })),
    }),
  },
  'an input has a zero dimension': {
    ort: 'lenient',
    apply: (graph) => ({ ...graph, inputs: edit(graph.inputs, 0, (input) => ({ ...input, shape: [0, 'time'] })) }),
  },
  'the opset is unknown': { ort: 'lenient', apply: (graph) => ({ ...graph, opset: 13 }) },
  'metadata are there twice': {
    ort: 'lenient',
    apply: (graph) => ({ ...graph, metadata: [...graph.metadata, ['a', '1'], ['a', '2']] }),
  },
  'hidden_size is off by one': { ort: 'refuses', apply: editRecurrent('hidden_size', (units: number) => units + 1) },
  'hidden_size is zero': { ort: 'lenient', apply: editRecurrent('hidden_size', () => 0) },
  'the direction is unknown': { ort: 'refuses', apply: editRecurrent('direction', () => 'sideways') },
  'the direction needs other weights': {
    ort: 'refuses',
    apply: editRecurrent('direction', (direction: string) =>
      direction === 'bidirectional' ? 'forward' : 'bidirectional',
    ),
  },
  'the layout is batch-major': { ort: 'refuses', apply: editRecurrent('layout', () => 1) },
  'an activation is missing': {
    ort: 'refuses',
    apply: editRecurrent('activations', (names: readonly string[]) => names.slice(1)),
  },
  'an activation is unknown': {
    ort: 'refuses',
    apply: editRecurrent('activations', (names: readonly string[]) => ['Swish', ...names.slice(1)]),
  },
  'an activation has a constant too many': {
    ort: 'lenient',
    apply: editRecurrent('activation_alpha', (values: readonly number[]) => [...values, 1]),
  },
  'an activation lacks its constant': {
    ort: 'lenient', // takes a default of its own
    apply: editRecurrent('activation_alpha', () => []),
  },
  'W is transposed': { ort: 'refuses to run', apply: editWeight(1, swapLast) },
  'R is transposed': { ort: 'refuses to run', apply: editWeight(2, swapLast) },
  'B lacks half its values': {
    ort: 'refuses to run',
    apply: editWeight(
      3,
      ({ dims, data, ...rest }) =>
        ({ ...rest, dims: [dims[0], (dims[1] ?? 0) / 2], data: data.slice(data.length / 2) }) as Tensor,
    ),
  },
  'W holds integers': {
    ort: 'refuses',
    apply: editWeight(1, ({ dims, data }) => ({ dataType: 'int32', dims, data: new Int32Array(data.length) })),
  },
};

const graphNames = Object.keys(graphs) as (keyof typeof graphs)[];

describe('every way to break a graph is seen', () => {
  for (const [name, { apply, ort }] of Object.entries(mutations)) {
    test(`${name} (onnxruntime ${ort})`, async () => {
      let broken = 0;
      await fc.assert(
        fc.asyncProperty(fc.constantFrom(...graphNames), fc.nat(1000), async (graphName, pick) => {
          const mutant = apply(graphs[graphName], pick);
          fc.pre(mutant !== undefined);
          broken++;
          expect(() => checkGraph(mutant)).toThrow(expect.objectContaining({ code: 'GRAPH_INVALID' }));
          if (ort === 'refuses') {
            await expect(openSession(encodeOnnx(mutant), { providers: 'cpu' })).rejects.toMatchObject({
              code: 'ONNX_INVALID',
            });
          } else if (ort === 'refuses to run') {
            const session = await openSession(encodeOnnx(mutant), { providers: 'cpu' });
            const ids = { dataType: 'int32', dims: [1, 3], data: Int32Array.of(1, 2, 3) } as const;
            await expect(session.run({ ids })).rejects.toMatchObject({ code: 'RUNTIME_FAILED' });
            await session.release();
          }
        }),
        { numRuns: 12, maxSkipsPerRun: 200 },
      );
      expect(broken).toBeGreaterThan(0);
    });
  }
});

describe('a graph that is whole passes', () => {
  for (const [name, graph] of Object.entries(graphs)) {
    test(`${name}, and onnxruntime opens it`, async () => {
      checkGraph(graph);
      await (await openSession(encodeOnnx(graph), { providers: 'cpu' })).release();
    });
  }

  test('any spec, at any opset', () => {
    fc.assert(
      fc.property(arbitrarySpec(), fc.integer({ min: 14, max: 22 }), (spec, opset) => {
        buildGraph(trainedModel(spec), { opset });
      }),
      { numRuns: 200 },
    );
  });
});

describe('bodies', () => {
  const at = graphs.scan.nodes.findIndex(({ op }) => op === 'Scan');
  const withBody = (change: (body: Graph) => Graph): ModelGraph => {
    const body = graphs.scan.nodes[at]?.attributes.body?.value as Graph;
    return editAttribute(graphs.scan, at, 'body', { type: 'graph', value: change(body) });
  };
  const broken: Readonly<Record<string, ModelGraph>> = {
    'an input too few': withBody((body) => ({ ...body, inputs: body.inputs.slice(1) })),
    'an output too few': withBody((body) => ({ ...body, outputs: body.outputs.slice(1) })),
    'an input of another type': withBody((body) => ({
      ...body,
      inputs: edit(body.inputs, 1, (input) => ({ ...input, dataType: 'int32' })),
    })),
    'a name of the graph around it': withBody((body) => ({
      ...body,
      nodes: edit(body.nodes, 0, (each) => ({ ...each, outputs: ['x'] })),
    })),
    'a dead node': withBody((body) => ({
      ...body,
      nodes: [...body.nodes, { name: 'dead', op: 'Identity', inputs: ['x'], outputs: ['d'], attributes: {} }],
    })),
    'more scanned inputs than there are': editAttribute(graphs.scan, at, 'num_scan_inputs', { type: 'int', value: 3 }),
  };
  for (const [name, graph] of Object.entries(broken)) {
    test(`with ${name} are refused`, () => {
      expect(() => checkGraph(graph)).toThrow(expect.objectContaining({ code: 'GRAPH_INVALID' }));
    });
  }

  test('compute what they say', async () => {
    const session = await openSession(encodeOnnx(graphs.scan), { providers: 'cpu' });
    const { last, all } = await session.run({
      x: { dataType: 'float32', dims: [3, 1, 2], data: Float32Array.of(1, 10, 2, 20, 3, 30) },
      start: { dataType: 'float32', dims: [1, 2], data: Float32Array.of(100, 1000) },
    });
    expect([...(last?.data ?? [])]).toEqual([106, 1120]);
    expect([...(all?.data ?? [])]).toEqual([101, 1020, 103, 1060, 106, 1120]);
    await session.release();
  });
});
