import fc from 'fast-check';
import { expect, test } from 'vitest';
import { activations } from '../../models/activations.ts';
import type { RecurrentLayer } from '../../models/layers.ts';
import { planModel } from '../../models/plan.ts';
import { checkWeights } from '../../models/weights.ts';
import { referenceLayerOutputs } from '../../src/reference/reference.ts';
import { arbitraryCase, arbitrarySpec, materialise } from './arbitrary-spec.ts';

test('every case is valid: the plan accepts the spec, weights and batch fit it', () => {
  fc.assert(
    fc.property(arbitraryCase(), (modelCase) => {
      const plan = planModel(modelCase.spec);
      const { weights, batch } = materialise(modelCase);
      checkWeights(weights, plan.parameters);
      expect(batch.ids).toHaveLength(batch.rows * batch.time);
      expect(batch.ids.every((id) => id >= 0 && id < plan.vocabularySize)).toBe(true);
      expect(batch.targets).toHaveLength(batch.rows);
      expect(batch.targets.every((target) => target >= 0 && target < plan.head.classes)).toBe(true);
      expect(materialise(modelCase)).toEqual({ weights, batch });
    }),
  );
});

test('no model explodes: what layers give stays of the order of 1', () => {
  fc.assert(
    fc.property(arbitraryCase(), (modelCase) => {
      const { weights, batch } = materialise(modelCase);
      for (const values of referenceLayerOutputs({ spec: modelCase.spec, weights }, batch).values()) {
        expect(values.every((value) => Math.abs(value) < 100)).toBe(true);
      }
    }),
  );
});

test('a few hundred specs show every layer and option', () => {
  const seen = new Set<string>();
  const see = (layer: object, prefix: string) => {
    for (const [option, value] of Object.entries(layer)) {
      if (['string', 'boolean'].includes(typeof value) && option !== 'name') seen.add(`${prefix}.${option}=${value}`);
      if (option === 'dropout' || option === 'recurrentDropout') seen.add(`${prefix}.${option}=${value > 0}`);
    }
  };
  for (const { layers } of fc.sample(arbitrarySpec(), { numRuns: 600, seed: 1 })) {
    for (const layer of layers) {
      see(layer, layer.type);
      if (layer.type === 'bidirectional') see(layer.layer, `bidirectional.${layer.layer.type}`);
    }
  }
  const kinds = ['simpleRnn', 'lstm', 'gru'] satisfies RecurrentLayer['type'][];
  const expected = [
    'embedding.maskZero=true',
    'embedding.maskZero=false',
    'oneHot.type=oneHot',
    'dropout.type=dropout',
    'pooling.kind=average',
    'pooling.kind=max',
    ...['concat', 'sum', 'mul', 'ave'].map((mode) => `bidirectional.mergeMode=${mode}`),
    ...['linear', 'sigmoid', 'softmax', 'relu', 'tanh'].map((name) => `dense.activation=${name}`),
    ...kinds.flatMap((kind) =>
      [kind, `bidirectional.${kind}`].flatMap((prefix) => [
        `${prefix}.returnSequences=true`,
        `${prefix}.returnSequences=false`,
        `${prefix}.bias=none`,
        `${prefix}.bias=double`,
        `${prefix}.dropout=true`,
        `${prefix}.recurrentDropout=true`,
        `${prefix}.bias=single`,
      ]),
    ),
    ...kinds.map((kind) => `${kind}.goBackwards=true`),
    ...kinds.flatMap((kind) => activations.map((name) => `${kind}.activation=${name}`)),
    ...activations.flatMap((name) => [`lstm.recurrentActivation=${name}`, `gru.recurrentActivation=${name}`]),
    'gru.resetAfter=true',
    'gru.resetAfter=false',
  ];
  expect(expected.filter((option) => !seen.has(option))).toEqual([]);
});
