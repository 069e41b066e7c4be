/**
 * Every activation, in every place that takes one, over the whole range of its argument: this is how it is known in
 * which order onnxruntime uses up `activation_alpha` and `activation_beta`, and where its approximations end.
 */
import { describe, expect, test } from 'vitest';
import { exportOnnx } from '../../exporters/export.ts';
import { type Activation, activations } from '../../models/activations.ts';
import type { SpecInput } from '../../models/layers.ts';
import { parseSpec } from '../../models/spec.ts';
import type { Tensor } from '../../models/weights.ts';
import { loadClassifier } from '../../runtime/predict/classifier.ts';
import { referenceForward } from '../../src/reference/reference.ts';
import { randomWeights } from '../support/arbitrary-spec.ts';
import { trainedModel } from '../support/trained-model.ts';

const points = [-1e30, -1000, -80, -20, -8, -3, -1, -0.5, -1e-3, 0, 1e-3, 0.5, 1, 3, 8, 20, 80, 1000, 1e30];
/** In float32 e⁸⁹ is infinite, and onnxruntime computes softplus as ln(1 + eˣ). */
const softplusLimit = 88;

/** One rounding of float32 and onnxruntime's rational approximations of tanh and sigmoid, relative above 1. */
const tolerance = 1e-6;

type Recurrent = Extract<SpecInput['layers'][number], { type: 'bidirectional' }>['layer'];

/** The gates' kernels are `kernel`, the inputs are `points`, and the output is the layer's own. */
async function expectSame(layer: Recurrent, kernel: readonly number[], inputs: readonly number[]): Promise<void> {
  const spec = parseSpec({
    version: 1,
    name: 'points',
    layers: [
      { type: 'embedding', inputDim: inputs.length, outputDim: 1 },
      { ...layer, name: 'cell' },
      { type: 'dense', units: 1, useBias: false },
    ],
  });
  const weights = new Map<string, Tensor>(randomWeights(spec, 1))
    .set('embedding/embeddings', { shape: [inputs.length, 1], data: Float32Array.from(inputs) })
    .set('cell/kernel', { shape: [1, kernel.length], data: Float32Array.from(kernel) })
    .set('dense/kernel', { shape: [1, 1], data: Float32Array.of(1) });
  const ids = Int32Array.from(inputs.keys());
  const classifier = await loadClassifier(exportOnnx(trainedModel(spec, weights)), { providers: 'cpu' });
  const { logits } = await classifier.predictIds(ids, inputs.length, 1);
  await classifier.dispose();
  const expected = referenceForward({ spec, weights }, ids, inputs.length, 1).logits;
  for (const [index, value] of expected.entries()) {
    const error = Math.abs((logits[index] as number) - value) / Math.max(1, Math.abs(value));
    expect(error, `at ${inputs[index]}: ${logits[index]}, not ${value}`).toBeLessThan(tolerance);
  }
}

function pointsOf(activation: Activation): readonly number[] {
  return activation === 'softplus' ? points.filter((x) => x < softplusLimit) : points;
}

for (const activation of activations) {
  describe(activation, () => {
    test('in a simple RNN', () =>
      expectSame({ type: 'simpleRnn', units: 1, activation, bias: 'none' }, [1], pointsOf(activation)));
    test('in the cell of an LSTM', () =>
      expectSame({ type: 'lstm', units: 1, activation, bias: 'none' }, [0, 0, 1, 0], pointsOf(activation)));
    test('in the gates of an LSTM', () =>
      expectSame(
        { type: 'lstm', units: 1, recurrentActivation: activation, bias: 'none' },
        [1, 0, 1e-3, 3e-3],
        pointsOf(activation),
      ));
    test('in the candidate of a GRU', () =>
      expectSame({ type: 'gru', units: 1, activation, bias: 'none' }, [0, 0, 1], pointsOf(activation)));
    test('in the gates of a GRU', () =>
      expectSame(
        { type: 'gru', units: 1, recurrentActivation: activation, bias: 'none' },
        [1, 0, 1e-3],
        pointsOf(activation),
      ));
  });
}

describe('constants', () => {
  const constants = ['hardSigmoid', 'hardSigmoidLegacy', 'elu', 'leakyRelu', 'scaledTanh', 'linear', 'tanh'] as const;
  const near = points.filter((x) => Math.abs(x) <= 8);
  for (const activation of constants) {
    for (const recurrentActivation of constants) {
      test(`of ${recurrentActivation} gates do not go to the ${activation} of an LSTM`, () =>
        expectSame({ type: 'lstm', units: 1, activation, recurrentActivation, bias: 'none' }, [0.3, 0, 1, -0.4], near));
      test(`of ${recurrentActivation} gates do not go to the ${activation} of a GRU`, () =>
        expectSame({ type: 'gru', units: 1, activation, recurrentActivation, bias: 'none' }, [0.3, 0.2, 1], near));
    }
  }
});
