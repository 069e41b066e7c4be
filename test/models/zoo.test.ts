import { describe, expect, test } from 'vitest';
import { countParameters, planModel } from '../../models/plan.ts';
import { parseSpec } from '../../models/spec.ts';
import { zoo, zooModel } from '../../models/zoo/zoo.ts';
import { resolveOptions } from '../../src/training/options.ts';

/** Parameters of each layer that has any, as `model.summary()` of Keras prints them. */
const published = {
  'spam-lstm': [160_000, 2_112, 17],
  'simple-rnn-onehot': [1_672, 9],
  'simple-rnn-embedding': [8_000, 200, 9],
  'simple-rnn-pytorch': [8_000, 208, 9],
  lstm: [8_000, 800, 9],
  'lstm-dropout': [8_000, 800, 9],
  'lstm-stacked': [8_000, 800, 544, 9],
  'gru-dropout': [8_000, 624, 9],
  'lstm-stacked-pytorch': [8_000, 832, 576, 9],
  'bidirectional-lstm': [8_000, 1_600, 17],
  'gru-masked': [8_000, 624, 9],
  'topics-gru': [32_000, 3_264, 66],
};

const planOf = (name: string, classes: number) => {
  const model = zooModel(name);
  return planModel(parseSpec(model.build({ vocabularySize: model.defaults.vocabularySize, classes })));
};

test('every model is in the table once, and the table has no other', () => {
  expect(zoo.map(({ name }) => name)).toEqual(Object.keys(published));
});

describe.each(Object.entries(published))('%s', (name, counts) => {
  test('parameters by layer', () => {
    const { layers } = planOf(name, 2);
    expect(layers.map(countParameters).filter((count) => count > 0)).toEqual(counts);
  });

  test('two classes end in a sigmoid, more in a softmax', () => {
    const two = name === 'topics-gru' ? ['categoricalCrossentropy', 2] : ['binaryCrossentropy', 1];
    const [loss, outputs] = two;
    expect(planOf(name, 2).head).toEqual({ outputs, classes: 2, loss, fromLogits: false });
    expect(planOf(name, 5).head).toMatchObject({ outputs: 5, classes: 5, loss: 'categoricalCrossentropy' });
    expect(planOf(name, 5).spec.layers.at(-1)).toMatchObject({ activation: 'softmax' });
  });

  test('the spec bears its name', () => {
    expect(planOf(name, 2).spec.name).toBe(name);
  });
});

/** The table of the eight models: parameters in all, learning rate and patience. */
test.each([
  ['simple-rnn-onehot', 1_681, 1e-3, 3],
  ['simple-rnn-embedding', 8_209, 1e-3, 3],
  ['simple-rnn-pytorch', 8_217, 2e-4, 2],
  ['lstm', 8_809, 1e-3, 3],
  ['lstm-dropout', 8_809, 1e-3, 3],
  ['lstm-stacked', 9_353, 1e-3, 3],
  ['gru-dropout', 8_633, 1e-3, 3],
  ['lstm-stacked-pytorch', 9_417, 1e-3, 2],
])('%s has %d parameters and trains as in the chapter', (name, parameters, learningRate, patience) => {
  const { defaults } = zooModel(name);
  expect(countParameters(planOf(name, 2))).toBe(parameters);
  expect(defaults).toMatchObject({ maxLength: 100, padding: 'pre', truncating: 'pre' });
  expect(defaults.vocabularySize).toBe(name === 'simple-rnn-onehot' ? 200 : 500);
  expect(resolveOptions({}, defaults)).toMatchObject({ learningRate, patience, epochs: 100, batchSize: 64 });
});

test.each(['simple-rnn-pytorch', 'lstm-stacked-pytorch'])('%s starts and biases as PyTorch does', (name) => {
  const { spec } = planOf(name, 2);
  expect(spec.initialisers).toBe('pytorch');
  for (const layer of spec.layers)
    if ('recurrentDropout' in layer) expect(layer).toMatchObject({ bias: 'double', dropout: 0 });
});

test('dropout of nn.LSTM stands between its layers', () => {
  const types = planOf('lstm-stacked-pytorch', 2).spec.layers.map((layer) =>
    layer.type === 'dropout' ? layer.rate : layer.type,
  );
  expect(types).toEqual(['embedding', 'lstm', 0.2, 'lstm', 'dense']);
});

/** What parameter counts cannot show: [mask, then dropout and recurrent dropout of each recurrent layer]. */
const regularised = {
  'spam-lstm': [true, [0.2, 0.2]],
  'simple-rnn-onehot': [false, [0, 0]],
  'simple-rnn-embedding': [false, [0, 0]],
  'simple-rnn-pytorch': [false, [0, 0]],
  lstm: [false, [0, 0]],
  'lstm-dropout': [false, [0.2, 0]],
  'lstm-stacked': [false, [0.2, 0], [0.2, 0]],
  'gru-dropout': [false, [0.2, 0]],
  'lstm-stacked-pytorch': [false, [0, 0], [0, 0]],
  'bidirectional-lstm': [false, [0, 0]],
  'gru-masked': [true, [0, 0]],
  'topics-gru': [true, [0, 0]],
} satisfies Record<keyof typeof published, unknown>;

test.each(Object.entries(regularised))('mask and dropout of %s', (name, expected) => {
  const { maskZero, layers } = planOf(name, 2);
  const rates = layers.flatMap(({ layer }) => {
    const recurrent = layer.type === 'bidirectional' ? layer.layer : layer;
    return 'recurrentDropout' in recurrent ? [[recurrent.dropout, recurrent.recurrentDropout]] : [];
  });
  expect([maskZero, ...rates]).toEqual(expected);
});

test.each([
  ['lstm-droput', /Did you mean lstm-dropout/],
  ['GRU', /Did you mean gru-dropout or gru-masked/],
  ['spam', /Did you mean spam-lstm/],
  ['transformer', /The models are spam-lstm, simple-rnn-onehot/],
])('the unknown name %s gets a hint', (name, hint) => {
  expect(() => zooModel(name)).toThrow(
    expect.objectContaining({ code: 'MODEL_UNKNOWN', hint: expect.stringMatching(hint) }),
  );
});
