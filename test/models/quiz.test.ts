/** The questions of the chapter that a number or a shape answers; `examples/quiz.mjs` prints the same. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { countParameters, type LayerPlan, planModel } from '../../models/plan.ts';
import { parseSpec } from '../../models/spec.ts';
import { padSequences } from '../../models/text/padding.ts';

type Kind = 'simpleRnn' | 'lstm' | 'gru';

function recurrentLayer(type: Kind, inputs: number, units: number): LayerPlan {
  const { layers } = planModel(
    parseSpec({
      version: 1,
      name: 'quiz',
      layers: [
        { type: 'oneHot', depth: inputs },
        { type, units },
        { type: 'dense', units: 1, activation: 'sigmoid' },
      ],
    }),
  );
  return layers[1] as LayerPlan;
}

function sizeOf(layer: LayerPlan, weight: string): number {
  const shape = layer.parameters.find(({ name }) => name.endsWith(`/${weight}`))?.shape ?? [];
  return shape.reduce((product, size) => product * size, 1);
}

describe('section 1', () => {
  test('4 inputs and 3 units have 4 · 3 + 3 · 3 + 3 = 24 parameters', () => {
    const layer = recurrentLayer('simpleRnn', 4, 3);
    expect(['kernel', 'recurrent_kernel', 'bias'].map((weight) => sizeOf(layer, weight))).toEqual([12, 9, 3]);
    expect(countParameters(layer)).toBe(24);
  });

  test('question 3: W_h of 10 units is (10, 10), whatever the inputs', () => {
    for (const inputs of [1, 4, 100]) {
      const { parameters } = recurrentLayer('simpleRnn', inputs, 10);
      expect(parameters.find(({ name }) => name.endsWith('/recurrent_kernel'))?.shape).toEqual([10, 10]);
    }
  });

  test('question 4: the activation of a plain recurrent layer is tanh', () => {
    expect(recurrentLayer('simpleRnn', 4, 3).layer).toMatchObject({ activation: 'tanh' });
  });
});

describe('section 2', () => {
  const pad = (ids: readonly number[]) => [
    ...padSequences([ids], { maxLength: 5, padding: 'post', truncating: 'pre' }),
  ];

  test("question 1: pad_sequences(5, padding='post', truncating='pre') gives the three, and never the second", () => {
    expect(pad([9, 10, 5, 7, 3, 8])).toEqual([10, 5, 7, 3, 8]);
    expect(pad([5, 7, 3, 8])).toEqual([5, 7, 3, 8, 0]);
    expect(pad([7, 3, 8])).toEqual([7, 3, 8, 0, 0]);
    expect(pad([10, 5, 7])).not.toEqual([0, 0, 10, 5, 7]);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 499 }), { minLength: 1, maxLength: 12 }), (ids) => {
        const row = pad(ids);
        expect(row[0]).toBeGreaterThan(0);
        expect(row.filter((id) => id > 0)).toEqual(ids.slice(-5));
      }),
    );
  });

  test('question 3: inputs of (100, 10) and 16 units have 10 · 16 + 16 · 16 + 16 = 432 parameters', () => {
    expect(countParameters(recurrentLayer('simpleRnn', 10, 16))).toBe(432);
  });
});

describe('section 3', () => {
  test('question 4: a GRU has fewer parameters than an LSTM of the same sizes, by nearly a quarter', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: 200 }), (inputs, units) => {
        const [lstm, gru] = [recurrentLayer('lstm', inputs, units), recurrentLayer('gru', inputs, units)];
        // Three gates instead of four, but two biases a gate instead of one.
        expect(countParameters(lstm) - countParameters(gru)).toBe(units * (inputs + units) - 2 * units);
        if (inputs + units > 2) expect(countParameters(gru)).toBeLessThan(countParameters(lstm));
      }),
    );
  });

  test('the last frequent question: GRU(8) on 16 inputs has 3 · (128 + 64 + 8 + 8) = 624', () => {
    const layer = recurrentLayer('gru', 16, 8);
    expect(['kernel', 'recurrent_kernel', 'bias'].map((weight) => sizeOf(layer, weight))).toEqual([
      3 * 128,
      3 * 64,
      3 * (8 + 8),
    ]);
    expect(countParameters(layer)).toBe(3 * (128 + 64 + 8 + 8));
  });

  test('with the reset gate before the product the second bias is gone: 600, as the text first counts', () => {
    const layers = [
      { type: 'oneHot', depth: 16 },
      { type: 'gru', units: 8, resetAfter: false },
      { type: 'dense', units: 1, activation: 'sigmoid' },
    ] as const;
    const { layers: plans } = planModel(parseSpec({ version: 1, name: 'quiz', layers: [...layers] }));
    expect(countParameters(plans[1] as LayerPlan)).toBe(600);
  });
});
