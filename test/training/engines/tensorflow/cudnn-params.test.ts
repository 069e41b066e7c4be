/**
 * The row of weights that cuDNN takes: each weight's place by a formula of its own, its gradient from there, and cuDNN's
 * documented equations, which read that row, against the float64 reference.
 */
import type { Tensor as TfTensor } from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Tensor } from '../../../../models/weights.ts';
import { referenceLayerOutputs } from '../../../../src/reference/reference.ts';
import { loadTensorflow, type Tensorflow } from '../../../../src/training/engines/tensorflow/backend.ts';
import { type CudnnMode, cudnnMode, cudnnParams } from '../../../../src/training/engines/tensorflow/layers/cudnn.ts';
import { randomBatch, randomStates, randomWeights } from '../../../support/arbitrary-spec.ts';
import { cudnnForward, paramsSize } from '../../../support/cudnn.ts';
import { largestDifference } from '../../../support/largest-difference.ts';
import { arbitraryLayer, arbitrarySizes, type LayerInput, layerIn, layerOf } from './cudnn-cases.ts';
import { specOf } from './describe-training.ts';

/** Gate g of cuDNN is gate `order[g]` of Keras: cuDNN's documentation of linLayerID beside Keras' of its weights. */
const order: Readonly<Record<CudnnMode, readonly number[]>> = {
  rnn_tanh: [0],
  rnn_relu: [0],
  lstm: [0, 1, 2, 3], // input, forget, new memory, output: i f c o
  gru: [1, 0, 2], // reset, update, new memory: r z h, of Keras z r h
};

describe('the row of weights', () => {
  let tf: Tensorflow;
  beforeAll(async () => {
    const loaded = await loadTensorflow();
    loaded.use();
    tf = loaded.tf;
  });

  it('has each weight in its place, and its gradient taken from there', () => {
    fc.assert(
      fc.property(arbitraryLayer, arbitrarySizes, (input, { units, features }) => {
        const layer = layerOf({ ...input, units });
        const mode = cudnnMode(layer, false) as CudnnMode;
        const count = order[mode].length;
        const width = count * units;
        const shapes = [
          [features, width],
          [units, width],
          ...{ none: [], single: [[width]], double: [[2, width]] }[layer.bias],
        ];
        const size = paramsSize(mode, units, features);

        /** Where the entry [row, column] of a weight must stand: its gate's place, then its unit's, then its row. */
        const place = (weight: number, row: number, column: number): number => {
          const gate = order[mode].indexOf(Math.floor(column / units));
          const unit = gate * units + (column % units);
          if (weight === 0) return unit * features + row;
          if (weight === 1) return width * features + unit * units + row;
          return width * (features + units) + row * width + unit;
        };
        const places = shapes.map((shape, weight) => {
          const rows = shape.length === 2 ? (shape[0] as number) : 1;
          return Array.from({ length: rows * width }, (_, at) => place(weight, Math.floor(at / width), at % width));
        });
        // every entry its own number, so that none can stand for another
        const expected = new Float32Array(size);
        const values = places.map((ofWeight, weight) => ofWeight.map((_, at) => 1000 * (weight + 1) + at));
        places.forEach((ofWeight, weight) => {
          ofWeight.forEach((at, entry) => {
            expected[at] = values[weight]?.[entry] as number;
          });
        });
        tf.tidy(() => {
          const weights = shapes.map((shape, weight) => tf.tensor(values[weight] as number[], shape));
          expect(cudnnParams(tf, mode, weights).dataSync()).toEqual(expected);
          const given = Float32Array.from({ length: size }, (_, at) => at + 1);
          const sum = (...weights: TfTensor[]) => tf.sum(tf.mul(cudnnParams(tf, mode, weights), tf.tensor1d(given)));
          const gradients = tf
            .grads(sum)(weights)
            .map((gradient) => Array.from(gradient.dataSync()));
          expect(gradients).toEqual(places.map((ofWeight) => ofWeight.map((at) => at + 1)));
        });
      }),
    );
  });

  it("is that of cuDNN's equations, which with it give the float64 reference", () => {
    fc.assert(
      fc.property(arbitraryLayer, arbitrarySizes, fc.nat(), (input, { units, features }, seed) => {
        const [time, batch] = [1 + (seed % 5), 1 + (seed % 4)];
        const layer = { ...input, name: 'layer', units, returnSequences: true };
        const embedding = { type: 'embedding', name: 'embedding', inputDim: 9, outputDim: features } as const;
        const spec = specOf(
          embedding,
          layer as LayerInput,
          { type: 'pooling', kind: 'max' },
          { type: 'dense', units: 1 },
        );
        const weights = randomWeights(spec, seed);
        const { ids } = randomBatch(spec, batch, time, seed);
        const initialStates = randomStates(spec, batch, seed);
        const expected = referenceLayerOutputs({ spec, weights }, { ids, rows: batch, time, initialStates }).get(
          'layer',
        );

        const mode = cudnnMode(layerIn(spec), false) as CudnnMode;
        const own = [...weights].flatMap(([name, weight]) => (name.startsWith('layer/') ? [weight] : []));
        const params = tf.tidy(() =>
          cudnnParams(
            tf,
            mode,
            own.map(({ data, shape }) => tf.tensor(data, [...shape])),
          ).dataSync(),
        );
        const table = (weights.get('embedding/embeddings') as Tensor).data;
        const x = Float64Array.from({ length: time * batch * features }, (_, at) => {
          const [t, row, feature] = [
            Math.floor(at / (batch * features)),
            Math.floor(at / features) % batch,
            at % features,
          ];
          return table[(ids[row * time + t] as number) * features + feature] as number;
        });
        const state = (name: string) =>
          Float64Array.from(initialStates.get(`layer/${name}`) ?? new Float64Array(batch * units));
        const sizes = { time, batch, features, units };
        const inputs = { x, params: Float64Array.from(params), h: state('h'), c: state('c') };
        const { output } = cudnnForward(mode, sizes, inputs);
        const byRow = output.map((_, at) => {
          const [row, t, unit] = [Math.floor(at / (time * units)), Math.floor(at / units) % time, at % units];
          return output[(t * batch + row) * units + unit] as number;
        });
        expect(largestDifference(byRow, expected as Float64Array)).toBeLessThan(1e-12); // two orders of the same sums in float64
      }),
    );
  });

  it.each<[LayerInput, CudnnMode | undefined]>([
    [{ type: 'lstm', units: 2 }, 'lstm'],
    [{ type: 'lstm', units: 2, dropout: 0.5 }, 'lstm'],
    [{ type: 'lstm', units: 2, recurrentDropout: 0.5 }, undefined],
    [{ type: 'lstm', units: 2, activation: 'relu' }, undefined],
    [{ type: 'lstm', units: 2, recurrentActivation: 'hardSigmoid' }, undefined],
    [{ type: 'gru', units: 2 }, 'gru'],
    [{ type: 'gru', units: 2, resetAfter: false }, undefined],
    [{ type: 'gru', units: 2, activation: 'softsign' }, undefined],
    [{ type: 'simpleRnn', units: 2 }, 'rnn_tanh'],
    [{ type: 'simpleRnn', units: 2, activation: 'relu' }, 'rnn_relu'],
    [{ type: 'simpleRnn', units: 2, activation: 'sigmoid' }, undefined],
  ])('%o is %s to cuDNN', (input, mode) => {
    expect(cudnnMode(layerOf(input), false)).toBe(mode);
  });
});
