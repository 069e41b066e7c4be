/** What the exported graph looks like: one native node a recurrent layer, and every attribute stated. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { buildGraph, exportOnnx } from '../../../exporters/export.ts';
import type { ModelGraph, Node } from '../../../exporters/graph/graph.ts';
import { irVersions } from '../../../exporters/graph/opsets.ts';
import { decodeOnnx } from '../../../exporters/onnx/decode.ts';
import type { SpecInput } from '../../../models/layers.ts';
import type { TrainedModel } from '../../../models/model.ts';
import { arbitrarySpec } from '../../support/arbitrary-spec.ts';
import { modelOf, trainedModel } from '../../support/trained-model.ts';

const embedding = { type: 'embedding', inputDim: 9, outputDim: 3 } as const;
const head = { type: 'dense', units: 1, activation: 'sigmoid' } as const;

function graphOf(...layers: SpecInput['layers']): ModelGraph {
  return decodeOnnx(exportOnnx(modelOf([embedding, ...layers, head])));
}

function only(graph: ModelGraph, op: string): Node {
  const found = graph.nodes.filter((node) => node.op === op);
  expect(found).toHaveLength(1);
  return found[0] as Node;
}

function values(node: Node): Record<string, unknown> {
  return Object.fromEntries(Object.entries(node.attributes).map(([name, { value }]) => [name, value]));
}

function dims(graph: ModelGraph, name: string | undefined): readonly number[] | undefined {
  return graph.initialisers.find((initialiser) => initialiser.name === name)?.tensor.dims;
}

test("the chapter's LSTM model is five nodes around one LSTM", () => {
  const graph = graphOf({ type: 'lstm', units: 8 });
  expect(graph.nodes.map(({ op }) => op)).toEqual(['Transpose', 'Gather', 'LSTM', 'Gather', 'Gemm', 'Sigmoid']);
  const lstm = only(graph, 'LSTM');
  expect(values(lstm)).toEqual({
    activations: ['Sigmoid', 'Tanh', 'Tanh'],
    direction: 'forward',
    hidden_size: 8,
    input_forget: 0,
    layout: 0,
  });
  expect(lstm.inputs.slice(1).map((name) => dims(graph, name))).toEqual([
    [1, 32, 3],
    [1, 32, 8],
    [1, 64],
  ]);
});

test('inputs and outputs are named, typed and dynamic', () => {
  const graph = decodeOnnx(exportOnnx(modelOf([embedding, { type: 'gru', units: 2 }, { type: 'dense', units: 4 }])));
  expect(graph.inputs).toEqual([{ name: 'ids', dataType: 'int32', shape: ['batch', 'time'] }]);
  expect(graph.outputs).toEqual([
    { name: 'logits', dataType: 'float32', shape: ['batch', 4] },
    { name: 'probabilities', dataType: 'float32', shape: ['batch', 4] },
  ]);
  expect(graph.opset).toBe(17);
});

describe('a GRU', () => {
  test.each([
    [true, 1],
    [false, 0],
  ])('with resetAfter %s states linear_before_reset %s', (resetAfter, linear) => {
    const gru = only(graphOf({ type: 'gru', units: 5, resetAfter }), 'GRU');
    expect(values(gru)).toEqual({
      activations: ['Sigmoid', 'Tanh'],
      direction: 'forward',
      hidden_size: 5,
      layout: 0,
      linear_before_reset: linear,
    });
  });
});

test('a bidirectional layer is one node with two sets of weights', () => {
  const graph = graphOf({
    type: 'bidirectional',
    layer: { type: 'lstm', units: 4, activation: 'elu', recurrentActivation: 'hardSigmoid' },
  });
  const lstm = only(graph, 'LSTM');
  const sixth = Math.fround(1 / 6);
  expect(values(lstm)).toMatchObject({
    direction: 'bidirectional',
    activations: ['HardSigmoid', 'Elu', 'Elu', 'HardSigmoid', 'Elu', 'Elu'],
    activation_alpha: [sixth, 1, 1, sixth, 1, 1],
    activation_beta: [0.5, 0.5],
  });
  expect(lstm.inputs.slice(1).map((name) => dims(graph, name))).toEqual([
    [2, 16, 3],
    [2, 16, 4],
    [2, 32],
  ]);
});

test('goBackwards is the direction reverse; all steps are then turned into the order of reading', () => {
  expect(values(only(graphOf({ type: 'simpleRnn', units: 2, goBackwards: true }), 'RNN'))).toMatchObject({
    direction: 'reverse',
  });
  const all = graphOf(
    { type: 'simpleRnn', units: 2, goBackwards: true, returnSequences: true },
    { type: 'pooling', kind: 'max' },
  );
  only(all, 'Slice');
});

test('a layer without bias has no B, one with two vectors has both', () => {
  const none = graphOf({ type: 'lstm', units: 2, bias: 'none' });
  expect(only(none, 'LSTM').inputs).toHaveLength(3);
  const model = modelOf([embedding, { type: 'simpleRnn', units: 2, bias: 'double' }, head]);
  const graph = decodeOnnx(exportOnnx(model));
  const B = graph.initialisers.find(({ name }) => name === 'simple_rnn/B');
  expect(B?.tensor.data).toEqual(model.weights.get('simple_rnn/bias')?.data);
});

test('gates are where ONNX wants them', () => {
  const model = modelOf([embedding, { type: 'lstm', units: 1 }, head]);
  const weights = new Map(model.weights)
    .set('lstm/kernel', { shape: [3, 4], data: Float32Array.from([11, 12, 13, 14, 21, 22, 23, 24, 31, 32, 33, 34]) })
    .set('lstm/bias', { shape: [4], data: Float32Array.of(1, 2, 3, 4) }); // i f c o
  const graph = decodeOnnx(exportOnnx({ ...model, weights }));
  const data = (name: string) => [...(graph.initialisers.find((each) => each.name === name)?.tensor.data ?? [])];
  expect(data('lstm/W')).toEqual([11, 21, 31, 14, 24, 34, 12, 22, 32, 13, 23, 33]); // i o f c
  expect(data('lstm/B')).toEqual([1, 4, 2, 3, 0, 0, 0, 0]);
});

test('a mask is worked out once, at the front, and only where there is one', () => {
  const layers: SpecInput['layers'] = [
    { type: 'lstm', units: 2, returnSequences: true },
    { type: 'gru', units: 2 },
  ];
  const masked = decodeOnnx(exportOnnx(modelOf([{ ...embedding, maskZero: true }, ...layers, head])));
  only(masked, 'TopK');
  only(masked, 'GatherElements');
  // length 0 is not safe in every release of onnxruntime: each node gets its lengths from a maximum with 1
  const maxima = masked.nodes.filter(({ op, inputs }) => op === 'Max' && inputs[1] === 'int32(1)');
  expect(maxima.map(({ outputs }) => outputs[0])).toEqual([
    only(masked, 'LSTM').inputs[4],
    only(masked, 'GRU').inputs[4],
  ]);
  const plain = graphOf(...layers);
  expect(plain.nodes.some(({ op }) => op === 'TopK')).toBe(false);
  expect(only(plain, 'LSTM').inputs).toHaveLength(4);
});

describe('one-hot vectors', () => {
  const depth = 400;
  test('are not written down where a recurrent layer follows: the rows of its kernel are looked up', () => {
    const layers: SpecInput['layers'] = [
      { type: 'oneHot', depth },
      { type: 'dropout', rate: 0.5 },
    ];
    const graph = decodeOnnx(exportOnnx(modelOf([...layers, { type: 'simpleRnn', units: 2 }, head])));
    expect(graph.nodes.map(({ op }) => op)).toEqual(['Transpose', 'Gather', 'RNN', 'Gather', 'Gemm', 'Sigmoid']);
    const rnn = only(graph, 'RNN');
    expect(rnn.inputs.slice(1).map((name) => dims(graph, name))).toEqual([
      [1, 2, 2],
      [1, 2, 2],
      [1, 4],
    ]);
    expect(dims(graph, 'simple_rnn/kernel')).toEqual([depth, 2]);
  });

  test('are made at run time where they are narrower than the gates', () => {
    const graph = decodeOnnx(exportOnnx(modelOf([{ type: 'oneHot', depth: 8 }, { type: 'lstm', units: 2 }, head])));
    only(graph, 'OneHot');
    expect(dims(graph, 'lstm/W')).toEqual([1, 8, 8]);
  });

  test('are made at run time for pooling, never stored', () => {
    const file = exportOnnx(modelOf([{ type: 'oneHot', depth }, { type: 'pooling', kind: 'max' }, head]));
    only(decodeOnnx(file), 'OneHot');
    expect(file.length).toBeLessThan(4 * depth * 10);
  });
});

test('dropout leaves no trace', () => {
  const without = graphOf({ type: 'lstm', units: 2 });
  const withDropout = graphOf(
    { type: 'dropout', rate: 0.5 },
    { type: 'lstm', units: 2, dropout: 0.2, recurrentDropout: 0.2 },
    { type: 'dropout', rate: 0.5 },
  );
  expect(withDropout.nodes).toEqual(without.nodes);
});

test('any spec has one recurrent node a recurrent layer, and no loop', () => {
  const recurrent = ['simpleRnn', 'lstm', 'gru', 'bidirectional'];
  fc.assert(
    fc.property(arbitrarySpec(), (spec) => {
      const ops = buildGraph(trainedModel(spec)).nodes.map(({ op }) => op);
      const nodes = ops.filter((op) => ['RNN', 'LSTM', 'GRU'].includes(op));
      expect(nodes).toHaveLength(spec.layers.filter(({ type }) => recurrent.includes(type)).length);
      expect(ops).not.toContain('Scan');
    }),
    { numRuns: 100 },
  );
});

describe('what does not fit together is refused', () => {
  const model = modelOf([embedding, { type: 'lstm', units: 2 }, head]);
  const lacking = new Map(model.weights);
  lacking.delete('lstm/bias');
  const infinite = new Map(model.weights).set('dense/bias', { shape: [1], data: Float32Array.of(Infinity) });
  const bad: Readonly<Record<string, readonly [Partial<TrainedModel>, string]>> = {
    'a weight is missing': [{ weights: lacking }, 'WEIGHTS_INVALID'],
    'a weight is infinite': [{ weights: infinite }, 'WEIGHTS_INVALID'],
    'a label too few': [{ labels: ['spam'] }, 'METADATA_INVALID'],
    'a label twice': [{ labels: ['spam', 'spam'] }, 'METADATA_INVALID'],
    'a word twice': [{ vocabulary: ['a', 'a'] }, 'METADATA_INVALID'],
  };
  test.each(Object.entries(bad))('%s', (_, [change, code]) => {
    expect(() => exportOnnx({ ...model, ...change })).toThrow(expect.objectContaining({ code }));
  });

  test.each([0, 13, 23, 17.5, Number.NaN])('opset %s', (opset) => {
    expect(() => exportOnnx(model, { opset })).toThrow(expect.objectContaining({ code: 'OPTION_UNSUPPORTED' }));
  });

  test('every other opset is written as asked', () => {
    for (const opset of Object.keys(irVersions).map(Number)) {
      expect(decodeOnnx(exportOnnx(model, { opset })).opset).toBe(opset);
    }
  });
});
