/** What is said of a spec, held against the attributes that the exporter writes for it: cuDNN's conditions are on those. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { buildGraph } from '../../exporters/export.ts';
import type { Node } from '../../exporters/graph/graph.ts';
import { cudaObstacles, describeObstacle } from '../../models/cuda-fit.ts';
import type { SpecInput } from '../../models/layers.ts';
import { parseSpec } from '../../models/spec.ts';
import { zoo } from '../../models/zoo/zoo.ts';
import { arbitrarySpec } from '../support/arbitrary-spec.ts';
import { modelOf, trainedModel } from '../support/trained-model.ts';

const embedding = { type: 'embedding', inputDim: 9, outputDim: 3 } as const;
const head = { type: 'dense', units: 1 } as const;

function obstaclesOf(layer: SpecInput['layers'][number]): string[] {
  return cudaObstacles(modelOf([embedding, layer, head]).spec).map(describeObstacle);
}

/** onnxruntime's own rule, on the attributes of a node: `RNNNeedFallbackToCPU` of its CUDA provider. */
function fallsBack({ op, inputs, attributes }: Node): boolean {
  const usual = { LSTM: ['sigmoid', 'tanh', 'tanh'], GRU: ['sigmoid', 'tanh'], RNN: ['tanh'] }[op] as string[];
  const { activations, linear_before_reset, input_forget } = attributes;
  const given = ((activations?.value ?? []) as string[]).map((name) => name.toLowerCase());
  return (
    ['activation_alpha', 'activation_beta', 'clip'].some((name) => name in attributes) ||
    given.some((name, index) => name !== usual[index % usual.length]) ||
    (op === 'GRU' && linear_before_reset?.value !== 1) ||
    (op === 'LSTM' && input_forget?.value !== 0) ||
    Boolean(inputs[7])
  );
}

describe('cudaObstacles', () => {
  test.each<SpecInput['layers'][number]>([
    { type: 'lstm', units: 2 },
    { type: 'gru', units: 2 },
    { type: 'simpleRnn', units: 2, goBackwards: true },
    { type: 'bidirectional', layer: { type: 'gru', units: 2 } },
  ])('are none for $type as it comes', (layer) => expect(obstaclesOf(layer)).toEqual([]));

  test('name the layer, what cuDNN lacks, and what to train instead', () => {
    expect(obstaclesOf({ type: 'gru', name: 'reader', units: 2, resetAfter: false })).toEqual([
      'layer reader: resetAfter is false, and cuDNN applies the reset gate after the recurrent product only; train with resetAfter: true',
    ]);
    expect(obstaclesOf({ type: 'simpleRnn', units: 2, activation: 'relu' })).toEqual([
      "layer simple_rnn: activation is relu, and cuDNN has tanh only; train with activation: 'tanh'",
    ]);
  });

  test('are all named, in a layer of two directions too', () => {
    const layer = {
      type: 'gru',
      units: 2,
      activation: 'softsign',
      recurrentActivation: 'hardSigmoid',
      resetAfter: false,
    } as const;
    const found = obstaclesOf({ type: 'bidirectional', name: 'both', layer });
    expect(found).toHaveLength(3);
    for (const line of found) expect(line).toMatch(/^layer both: /);
  });

  test("of any spec name just the layers whose nodes onnxruntime's rule gives to the CPU", () => {
    fc.assert(
      fc.property(arbitrarySpec(), (spec) => {
        const nodes = buildGraph(trainedModel(spec)).nodes.filter(({ op }) => ['RNN', 'LSTM', 'GRU'].includes(op));
        const expected = nodes.filter(fallsBack).map(({ name }) => name.slice(0, name.lastIndexOf('/')));
        expect([...new Set(cudaObstacles(spec).map(({ layer }) => layer))]).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });

  test.each(zoo)('there are none in model $name', ({ build }) => {
    expect(cudaObstacles(parseSpec(build({ vocabularySize: 20, classes: 2 })))).toEqual([]);
  });
});
