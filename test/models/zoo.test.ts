import { describe, expect, test } from 'vitest';
import { countParameters, planModel } from '../../models/plan.ts';
import { parseSpec } from '../../models/spec.ts';
import { zoo, zooModel } from '../../models/zoo/zoo.ts';

/** Parameters of each layer that has any, as `model.summary()` of Keras prints them. */
const published = {
  'spam-lstm': [160_000, 2_112, 17],
  'simple-rnn-onehot': [1_672, 9],
  'simple-rnn-embedding': [8_000, 200, 9],
  lstm: [8_000, 800, 9],
  'lstm-dropout': [8_000, 800, 9],
  'lstm-stacked': [8_000, 800, 544, 9],
  'gru-dropout': [8_000, 624, 9],
  'bidirectional-lstm': [8_000, 1_600, 17],
  'gru-masked': [8_000, 624, 9],
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
    expect(planOf(name, 2).head).toEqual({ outputs: 1, classes: 2, loss: 'binaryCrossentropy', fromLogits: false });
    expect(planOf(name, 5).head).toMatchObject({ outputs: 5, classes: 5, loss: 'categoricalCrossentropy' });
    expect(planOf(name, 5).spec.layers.at(-1)).toMatchObject({ activation: 'softmax' });
  });

  test('the spec bears its name', () => {
    expect(planOf(name, 2).spec.name).toBe(name);
  });
});

/** What parameter counts cannot show: [mask, then dropout and recurrent dropout of each recurrent layer]. */
const regularised = {
  'spam-lstm': [true, [0.2, 0.2]],
  'simple-rnn-onehot': [false, [0, 0]],
  'simple-rnn-embedding': [false, [0, 0]],
  lstm: [false, [0, 0]],
  'lstm-dropout': [false, [0.2, 0]],
  'lstm-stacked': [false, [0.2, 0], [0.2, 0]],
  'gru-dropout': [false, [0.2, 0]],
  'bidirectional-lstm': [false, [0, 0]],
  'gru-masked': [true, [0, 0]],
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
