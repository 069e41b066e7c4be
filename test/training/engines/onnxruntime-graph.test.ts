/** The structure of the training graph: what stands in loops, and what does not. */
import { describe, expect, it } from 'vitest';
import type { Graph, Node } from '../../../exporters/graph/graph.ts';
import type { SpecInput } from '../../../models/layers.ts';
import { planModel } from '../../../models/plan.ts';
import { parseSpec } from '../../../models/spec.ts';
import { stepGraph, trainingGraph } from '../../../src/training/engines/onnxruntime/graph/step-graph.ts';

function specOf(...layers: SpecInput['layers']) {
  const head = { type: 'dense', units: 1, activation: 'sigmoid' } as const;
  return parseSpec({
    version: 1,
    name: 'graph',
    layers: [{ type: 'embedding', inputDim: 50, outputDim: 3 }, ...layers, head],
  });
}

function scans(graph: Graph): readonly Node[] {
  return graph.nodes.filter(({ op }) => op === 'Scan');
}

function bodyOf(node: Node): Graph {
  return node.attributes.body?.value as Graph;
}

const products = new Set(['MatMul', 'Gemm']);

describe.each(['simpleRnn', 'lstm', 'gru'] as const)('the training graph of %s', (type) => {
  const graph = trainingGraph(specOf({ type, units: 4 }));

  it('has one forward and one backward Scan a direction', () => {
    expect(scans(graph)).toHaveLength(2);
    expect(scans(trainingGraph(specOf({ type: 'bidirectional', layer: { type, units: 4 } })))).toHaveLength(4);
    expect(scans(stepGraph(planModel(specOf({ type, units: 4 })), 'evaluation').model)).toHaveLength(1);
  });

  it('has one product in each loop, with the recurrent kernel', () => {
    const transposed = graph.nodes.find(
      ({ op, inputs }) => op === 'Transpose' && inputs[0]?.endsWith('/recurrent_kernel'),
    );
    for (const [scan, kernel] of [
      [scans(graph)[0] as Node, transposed?.outputs[0]],
      [scans(graph)[1] as Node, transposed?.inputs[0]],
    ] as const) {
      const inLoop = bodyOf(scan).nodes.filter(({ op }) => products.has(op));
      expect(inLoop).toHaveLength(1);
      expect(inLoop[0]?.inputs[0]).toBe(kernel);
    }
  });

  it('adds gradients up by id once, outside the loops', () => {
    expect(graph.nodes.filter(({ op }) => op === 'ScatterND')).toHaveLength(1);
  });

  it('takes and gives no value as large as the vocabulary', () => {
    for (const { shape } of [...graph.inputs, ...graph.outputs]) expect(shape).not.toContain(50);
    expect(graph.inputs.find(({ name }) => name === 'embedding/embeddings')?.shape).toEqual(['unique', 3]);
    expect(graph.outputs.find(({ name }) => name === 'gradient:embedding/embeddings')?.shape).toEqual(['unique', 3]);
  });
});

it('gives a gradient of its own name to every parameter, whatever layers are called', () => {
  const graph = trainingGraph(
    specOf(
      { type: 'bidirectional', name: 'gradient', layer: { type: 'lstm', units: 4, returnSequences: true } },
      { type: 'lstm', name: 'forward', units: 4 },
    ),
  );
  const names = [...graph.inputs, ...graph.outputs].map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  expect(names).toEqual(expect.arrayContaining(['gradient/forward/kernel', 'gradient:forward/kernel']));
});

it('takes the rows of a kernel above one-hot inputs', () => {
  const graph = trainingGraph(
    parseSpec({
      version: 1,
      name: 'graph',
      layers: [
        { type: 'oneHot', depth: 50 },
        { type: 'lstm', units: 4, dropout: 0.5 },
        { type: 'dense', units: 1, activation: 'sigmoid' },
      ],
    }),
  );
  expect(graph.inputs.find(({ name }) => name === 'lstm/kernel')?.shape).toEqual(['unique', 16]);
  for (const { shape } of [...graph.inputs, ...graph.outputs]) expect(shape).not.toContain(50);
});
