import { describe, expect, it } from 'vitest';
import type { SpecInput } from '../../models/layers.ts';
import { countParameters, planModel } from '../../models/plan.ts';
import { parseSpec } from '../../models/spec.ts';
import { summary } from '../../models/summary.ts';

const embedding = { type: 'embedding', inputDim: 500, outputDim: 16 } as const;
const head = { type: 'dense', units: 1, activation: 'sigmoid' } as const;

function spec(...layers: SpecInput['layers']): SpecInput {
  return { version: 1, name: 'test', layers };
}

function messageOf(json: unknown): string {
  try {
    parseSpec(json);
  } catch (error) {
    const { code, message, hint } = error as { code: string; message: string; hint: string };
    expect(code).toBe('SPEC_INVALID');
    expect(hint).not.toBe('');
    return message;
  }
  return expect.fail('the spec was accepted');
}

describe('parseSpec', () => {
  it('fills in every default and names the layers as Keras does', () => {
    const { layers } = parseSpec(
      spec(embedding, { type: 'lstm', units: 8, returnSequences: true }, { type: 'lstm', units: 8 }, head),
    );
    expect(layers.map(({ name }) => name)).toEqual(['embedding', 'lstm', 'lstm_1', 'dense']);
    expect(layers[2]).toEqual({
      type: 'lstm',
      name: 'lstm_1',
      units: 8,
      activation: 'tanh',
      recurrentActivation: 'sigmoid',
      returnSequences: false,
      goBackwards: false,
      dropout: 0,
      recurrentDropout: 0,
      bias: 'single',
      unitForgetBias: true,
    });
  });

  it('avoids names that are taken', () => {
    const { layers } = parseSpec(
      spec(embedding, { type: 'gru', units: 2, returnSequences: true }, { type: 'lstm', name: 'gru', units: 2 }, head),
    );
    expect(layers.map(({ name }) => name)).toEqual(['embedding', 'gru_1', 'gru', 'dense']);
  });

  it('is a fixed point: a parsed spec parses to itself', () => {
    const once = parseSpec(spec(embedding, { type: 'bidirectional', layer: { type: 'gru', units: 3 } }, head));
    const json = JSON.stringify(once);
    expect(JSON.stringify(parseSpec(JSON.parse(json)))).toBe(json);
  });

  it('gives a GRU the biases of its reset gate', () => {
    const biasOf = (resetAfter: boolean) => {
      const [, layer] = parseSpec(spec(embedding, { type: 'gru', units: 3, resetAfter }, head)).layers;
      return layer?.type === 'gru' ? layer.bias : undefined;
    };
    expect(biasOf(true)).toBe('double');
    expect(biasOf(false)).toBe('single');
  });

  it.each([
    ['a missing version', { name: 'x', layers: [embedding, head] }, /^version: /],
    ['a version of the future', { ...spec(embedding, head), version: 2 }, /^version: .*1/],
    ['an unknown layer', spec(embedding, { type: 'transformer' } as never, head), /^layers\[1\]\.type: /],
    [
      'an unknown option',
      spec(embedding, { type: 'lstm', units: 2, peephole: true } as never, head),
      /^layers\[1\]: .*peephole/,
    ],
    [
      'an activation ONNX cannot express',
      spec(embedding, { type: 'lstm', units: 2, activation: 'gelu' as never }, head),
      /layers\[1\]\.activation: .*tanh/,
    ],
    ['no units', spec(embedding, { type: 'lstm' } as never, head), /layers\[1\]\.units/],
    ['zero units', spec(embedding, { type: 'lstm', units: 0 }, head), /layers\[1\]\.units/],
    ['a dropout of 1', spec(embedding, { type: 'lstm', units: 2, dropout: 1 }, head), /layers\[1\]\.dropout/],
    ['a path in a name', spec(embedding, { type: 'lstm', name: 'a/b', units: 2 }, head), /layers\[1\]\.name/],
    ['no object', 'lstm', /^spec: /],
    [
      'an embedding that is not first',
      spec(embedding, embedding, head),
      /embedding_1 takes token ids, but gets \[batch, time, 16\]/,
    ],
    [
      'no embedding',
      spec({ type: 'lstm', units: 2 }, head),
      /lstm takes \[batch, time, features\], but gets token ids/,
    ],
    [
      'a recurrent layer after a last state',
      spec(embedding, { type: 'lstm', units: 2 }, { type: 'gru', units: 2 }, head),
      /gru takes .* gets \[batch, 2\]/,
    ],
    [
      'dense on sequences',
      spec(embedding, { type: 'lstm', units: 2, returnSequences: true }, head),
      /dense takes \[batch, features\], but gets \[batch, time, 2\]/,
    ],
    ['a head that is not dense', spec(embedding, { type: 'lstm', units: 2 }), /lstm is the last layer/],
    [
      'a sigmoid head of two units',
      spec(embedding, { type: 'lstm', units: 2 }, { ...head, units: 2 }),
      /2 units and activation sigmoid/,
    ],
    [
      'a softmax head of one unit',
      spec(embedding, { type: 'lstm', units: 2 }, { ...head, activation: 'softmax' }),
      /1 unit and activation softmax/,
    ],
    [
      'two layers of one name',
      spec({ ...embedding, name: 'a' }, { type: 'lstm', name: 'a', units: 2 }, head),
      /a is the name of two layers/,
    ],
    [
      'resetAfter with a single bias',
      spec(embedding, { type: 'gru', units: 2, bias: 'single' }, head),
      /resetAfter with a single bias/,
    ],
    [
      'goBackwards inside bidirectional',
      spec(embedding, { type: 'bidirectional', layer: { type: 'lstm', units: 2, goBackwards: true } }, head),
      /goBackwards/,
    ],
    [
      'masked sequences that are read backwards',
      spec(
        { ...embedding, maskZero: true },
        { type: 'lstm', units: 2, goBackwards: true, returnSequences: true },
        { type: 'gru', units: 2 },
        head,
      ),
      /reads backwards, returns sequences and is masked/,
    ],
  ])('refuses %s and says where', (_, json, message) => {
    expect(messageOf(json)).toMatch(message);
  });
});

describe('planModel', () => {
  const countOf = (...layers: SpecInput['layers']) => countParameters(planModel(parseSpec(spec(...layers))));

  // The figures are those that Keras and PyTorch print for these layers (see the chapter's table).
  it.each([
    ['SimpleRNN', { type: 'simpleRnn', units: 8 }, 200],
    ['nn.RNN, two bias vectors', { type: 'simpleRnn', units: 8, bias: 'double' }, 208],
    ['LSTM', { type: 'lstm', units: 8 }, 800],
    ['nn.LSTM, two bias vectors', { type: 'lstm', units: 8, bias: 'double' }, 832],
    ['GRU, reset after', { type: 'gru', units: 8 }, 624],
    ['GRU, reset before', { type: 'gru', units: 8, resetAfter: false }, 600],
  ] as const)('counts %s of 8 units on 16 inputs', (_, layer, expected) => {
    expect(countOf(embedding, layer, head)).toBe(8000 + expected + 9);
  });

  it('counts a one-hot layer as none, and a bidirectional one twice', () => {
    expect(countOf({ type: 'oneHot', depth: 200 }, { type: 'simpleRnn', units: 8 }, head)).toBe(1681);
    expect(countOf(embedding, { type: 'bidirectional', layer: { type: 'lstm', units: 8 } }, head)).toBe(
      8000 + 1600 + 17,
    );
  });

  it('tells head and mask', () => {
    const plan = planModel(
      parseSpec(spec({ ...embedding, maskZero: true }, { type: 'gru', units: 4 }, { type: 'dense', units: 3 })),
    );
    expect(plan.head).toEqual({ outputs: 3, classes: 3, loss: 'categoricalCrossentropy', fromLogits: true });
    expect(plan.layers.map(({ masked }) => masked)).toEqual([false, true, false]);
    expect(plan.vocabularySize).toBe(500);
  });
});

describe('summary', () => {
  it('prints the table of Keras', () => {
    const plan = planModel(
      parseSpec({ version: 1, name: 'lstm', layers: [embedding, { type: 'lstm', units: 8 }, head] }),
    );
    expect(summary(plan, { time: 100 })).toBe(
      [
        'Model: "lstm"',
        '───────────────────────────────────────────────────',
        ' Layer (type)            Output Shape      Param #',
        '═══════════════════════════════════════════════════',
        ' embedding (Embedding)   (None, 100, 16)     8,000',
        ' lstm (LSTM)             (None, 8)             800',
        ' dense (Dense)           (None, 1)               9',
        '───────────────────────────────────────────────────',
        'Total params: 8,809 (34.41 KB)',
      ].join('\n'),
    );
  });
});
