/** What holds for `recurrent-onnx/tfjs` on each backend of TensorFlow.js. The oracle is `tf.layers`, and the reference. */
import fc from 'fast-check';
import { beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { SpecInput } from '../../../../models/layers.ts';
import { createRandom } from '../../../../src/core/random.ts';
import { type DropoutMasks, referenceGradients } from '../../../../src/reference/reference.ts';
import { dropoutMask } from '../../../../src/training/dropout.ts';
import type { LoadedTensorflow, Tensorflow } from '../../../../src/training/engines/tensorflow/backend.ts';
import { type RecurrentLayers, recurrentLayers } from '../../../../src/training/engines/tensorflow/index.ts';
import { randomBatch, randomStates, randomWeights } from '../../../support/arbitrary-spec.ts';
import { largestDifference } from '../../../support/largest-difference.ts';
import { specOf } from './describe-training.ts';

type Tensor = InstanceType<Tensorflow['Tensor']>;
type Kind = Exclude<keyof RecurrentLayers, 'embedding'>;
type Layer = ReturnType<RecurrentLayers[Kind]>;
type LstmArguments = Parameters<RecurrentLayers['lstm']>[0];

/** The orthogonal one needs methods of tensors that only the whole package `@tensorflow/tfjs` adds. */
const recurrentInitializer = 'glorotUniform';

const kinds = ['simpleRNN', 'lstm', 'gru'] as const satisfies readonly Kind[];
const activations = ['tanh', 'sigmoid', 'hardSigmoid', 'relu', 'elu', 'softplus', 'softsign', 'linear'] as const;
/** Gates without bounds make states grow beyond float32 in a few steps. */
const bounded = ['tanh', 'sigmoid', 'hardSigmoid', 'softsign'] as const;

/**
 * Of the largest value, or of 1: two float32 computations in different orders. The kernels' tanh and sigmoid are off
 * by at most 3.3e-7, and a dozen steps follow one another.
 */
const tolerance = 1e-5;

const arbitraryLayer = fc.record({
  kind: fc.constantFrom(...kinds),
  units: fc.integer({ min: 1, max: 9 }),
  activation: fc.constantFrom(...activations),
  recurrentActivation: fc.constantFrom(...bounded),
  useBias: fc.boolean(),
  returnSequences: fc.boolean(),
  returnState: fc.boolean(),
  goBackwards: fc.boolean(),
  dropout: fc.constantFrom(0, 0, 0.25, 1),
  recurrentDropout: fc.constantFrom(0, 0, 0.5, 1),
});

interface Input {
  readonly batch: number;
  readonly time: number;
  readonly features: number;
  readonly masked: boolean;
  /** Whether the states before the first step are given. */
  readonly given: boolean;
  readonly seed: number;
}

/** Of one step TensorFlow.js’ own layers have no gradient: they stumble over a list of one tensor. */
const arbitraryInput: fc.Arbitrary<Input> = fc.record({
  batch: fc.integer({ min: 1, max: 11 }),
  time: fc.integer({ min: 2, max: 7 }),
  features: fc.integer({ min: 1, max: 6 }),
  masked: fc.boolean(),
  given: fc.boolean(),
  seed: fc.nat(),
});

export function describeDropIn(load: () => Promise<LoadedTensorflow>): void {
  describe('recurrent-onnx/tfjs', () => {
    let loaded: LoadedTensorflow;
    let tf: Tensorflow;
    beforeAll(async () => {
      loaded = await load();
      loaded.use();
      tf = loaded.tf;
    });

    /** Numbers from −bound to bound. */
    function numbers(seed: number, stream: number, size: number, bound: number): Float32Array {
      const random = createRandom({ seed, purpose: 'initialise', stream });
      return Float32Array.from({ length: size }, () => bound * (2 * random.uniform() - 1));
    }

    /** Outputs of a layer, and the gradients of a fixed weighting of them: of inputs, weights and first states. */
    function run(layer: Layer, kind: Kind, input: Input, training: boolean) {
      const { batch, time, features, masked, given, seed } = input;
      const units = (layer.getConfig() as { units: number }).units;
      return tf.tidy(() => {
        const x = tf.variable(tf.tensor3d(numbers(seed, 1, batch * time * features, 1), [batch, time, features]));
        const states = kind === 'lstm' ? 2 : 1;
        const initial = Array.from({ length: given ? states : 0 }, (_, index) =>
          tf.variable(tf.tensor2d(numbers(seed, 2 + index, batch * units, 1), [batch, units])),
        );
        const mask = tf.tensor2d(
          [...numbers(seed, 4, batch * time, 1)].map((value) => value > -0.2),
          [batch, time],
          'bool',
        );
        const options = { training, ...(masked && { mask }), ...(given && { initialState: initial }) };
        if (!layer.built) {
          layer.build([batch, time, features]);
          layer.built = true;
          layer.setWeights(
            layer.getWeights().map((weight, index) => {
              const bound = 1 / Math.sqrt(weight.shape[0] as number);
              return tf.tensor(numbers(seed, 10 + index, weight.size, bound), weight.shape);
            }),
          );
        }
        const outputs = () => [layer.call(x, options)].flat() as Tensor[];
        const values = outputs().map((output) => output.dataSync().slice());
        const variables = [x, ...initial, ...layer.trainableWeights.map((weight) => weight.read() as typeof x)];
        const { grads } = tf.variableGrads(() => {
          const terms = outputs().map((output, index) =>
            tf.sum(tf.mul(output, tf.tensor(numbers(seed, 20 + index, output.size, 1), output.shape))),
          );
          return tf.addN(terms) as ReturnType<Tensorflow['scalar']>;
        }, variables);
        const gradients = variables.map((variable) => grads[variable.name]?.dataSync().slice());
        tf.dispose([x, ...initial]);
        return [...values, ...gradients];
      });
    }

    function expectSame(actual: ReturnType<typeof run>, expected: ReturnType<typeof run>): void {
      expect(actual.length).toBe(expected.length);
      for (const [index, values] of expected.entries()) {
        const scale = Math.max(1, ...(values ?? []).map(Math.abs));
        const difference = largestDifference(actual[index] as Float32Array, values as Float32Array);
        expect(difference / scale, `tensor ${index}`).toBeLessThan(tolerance);
      }
    }

    it('computes what tf.layers does, and its gradients (150 random layers)', () => {
      const layers = recurrentLayers(tf, { seed: 1 });
      fc.assert(
        fc.property(arbitraryLayer, arbitraryInput, ({ kind, ...options }, input) => {
          const args = { ...options, recurrentInitializer } as LstmArguments;
          const ours = layers[kind](args);
          const theirs = tf.layers[kind](args);
          const before = tf.memory().numTensors;
          const got = run(ours, kind, input, false);
          expect(tf.memory().numTensors - before).toBe(ours.weights.length);
          expectSame(got, run(theirs, kind, input, false));
          tf.dispose([...ours.weights, ...theirs.weights].map((weight) => weight.read()));
        }),
        { numRuns: 150, seed: 1 },
      );
    });

    it('draws dropout masks by its seed, and applies them as tf.layers does (60 random layers)', () => {
      // With recurrent dropout TensorFlow.js’ GRU also drops the state that passes by its products: see below.
      const dropping = arbitraryLayer.filter(
        ({ kind, dropout, recurrentDropout }) =>
          dropout + recurrentDropout > 0 && !(kind === 'gru' && recurrentDropout === 0.5),
      );
      fc.assert(
        fc.property(dropping, arbitraryInput, ({ kind, ...options }, input) => {
          const args = { ...options, recurrentInitializer } as LstmArguments;
          const ours = recurrentLayers(tf, { seed: 7 })[kind](args);
          const { batch, features } = input;
          const purposes = [
            { purpose: 'dropout', rate: options.dropout, width: features },
            { purpose: 'recurrentDropout', rate: options.recurrentDropout, width: options.units },
          ] as const;
          let step = -1;
          const theirs = tf.layers[kind]({
            ...args,
            dropoutFunc: (_: Tensor, rate: number) => {
              const { purpose, width } = purposes.find((one) => one.rate === rate) as (typeof purposes)[number];
              const mask = dropoutMask({ seed: 7, epoch: 0, step }, purpose, 0, rate, batch * width);
              return tf.tensor2d(mask, [batch, width]);
            },
          } as unknown as LstmArguments);
          const call = theirs.call.bind(theirs);
          theirs.call = (...args) => {
            step++;
            return call(...args);
          };
          expectSame(run(ours, kind, input, true), run(theirs, kind, input, true));
          tf.dispose([...ours.weights, ...theirs.weights].map((weight) => weight.read()));
        }),
        { numRuns: 60, seed: 1 },
      );
    });

    it('computes the loss and the gradients of the float64 reference (80 random layers)', () => {
      const arbitrary = fc.record({
        type: fc.constantFrom('simpleRnn' as const, 'lstm' as const, 'gru' as const),
        units: fc.integer({ min: 1, max: 9 }),
        activation: fc.constantFrom('tanh', 'hardSigmoid', 'softsign'),
        recurrentActivation: fc.constantFrom('sigmoid', 'hardSigmoid'),
        bias: fc.constantFrom('single' as const, 'none' as const),
        goBackwards: fc.boolean(),
        dropout: fc.constantFrom(0, 0.25),
        recurrentDropout: fc.constantFrom(0, 0.5),
        maskZero: fc.boolean(),
      });
      fc.assert(
        fc.property(arbitrary, fc.nat(), ({ type, maskZero, ...options }, seed) => {
          const legacy = (name: string) => (name === 'hardSigmoid' ? 'hardSigmoidLegacy' : name);
          const gates = type === 'simpleRnn' ? {} : { recurrentActivation: legacy(options.recurrentActivation) };
          const { recurrentActivation: _, ...rest } = options;
          const layer = { ...rest, ...gates, type, name: 'layer', activation: legacy(options.activation) };
          const spec = specOf(
            { type: 'embedding', name: 'embedding', inputDim: 9, outputDim: 1 + (seed % 5), maskZero },
            (type === 'gru' ? { ...layer, resetAfter: false } : layer) as SpecInput['layers'][number],
            { type: 'dense', name: 'dense', units: 1, activation: 'sigmoid' },
          );
          const [rows, time] = [1 + (seed % 11), 1 + (seed % 6)];
          const weights = randomWeights(spec, seed);
          const batch = { ...randomBatch(spec, rows, time, seed), initialStates: randomStates(spec, rows, seed) };
          const masks: DropoutMasks = (_, purpose, size, rate) =>
            dropoutMask({ seed: 5, epoch: 0, step: 0 }, purpose, 0, rate, size);
          const expected = referenceGradients({ spec, weights }, batch, masks);

          const kind = ({ simpleRnn: 'simpleRNN', lstm: 'lstm', gru: 'gru' } as const)[type];
          const { bias, ...args } = options;
          const drop = { ...args, useBias: bias === 'single', recurrentInitializer } as LstmArguments;
          const ours = recurrentLayers(tf, { seed: 5 })[kind](drop);
          const [loss, gradients] = tf.tidy(() => {
            const variable = (name: string) => {
              const { data, shape } = weights.get(name) as { data: Float32Array; shape: number[] };
              return tf.variable(tf.tensor(data.slice(), shape), true);
            };
            const [table, kernel, offset] = ['embedding/embeddings', 'dense/kernel', 'dense/bias'].map(variable);
            const ids = tf.tensor2d(batch.ids, [rows, time], 'int32');
            ours.build([rows, time, 1 + (seed % 5)]);
            const own = [...weights].filter(([name]) => name.startsWith('layer/'));
            ours.setWeights(own.map(([, { data, shape }]) => tf.tensor(data.slice(), [...shape])));
            const initialState = (type === 'lstm' ? ['h', 'c'] : ['h']).map((name) => {
              const given = batch.initialStates.get(`layer/${name}`);
              return given ? tf.tensor2d(given, [rows, options.units]) : tf.zeros([rows, options.units]);
            });
            const mask = maskZero ? { mask: tf.notEqual(ids, 0) } : {};
            const variables = [
              table,
              ...ours.trainableWeights.map((weight) => weight.read() as typeof table),
              kernel,
              offset,
            ] as ReturnType<Tensorflow['variable']>[];
            const { value, grads } = tf.variableGrads(() => {
              const x = tf.gather(table as Tensor, ids);
              const h = ours.call(x, { training: true, initialState, ...mask }) as ReturnType<Tensorflow['tensor2d']>;
              const logits = tf.add(tf.matMul(h, kernel as typeof h), offset as Tensor);
              const targets = tf.tensor2d(Array.from(batch.targets), [rows, 1]);
              return tf.losses.sigmoidCrossEntropy(targets, logits) as ReturnType<Tensorflow['scalar']>;
            }, variables);
            const values = variables.map(({ name }) => grads[name]?.dataSync<'float32'>().slice() as Float32Array);
            tf.dispose([table, kernel, offset] as Tensor[]);
            return [value.dataSync()[0] as number, values] as unknown as Tensor;
          }) as unknown as [number, Float32Array[]];
          tf.dispose(ours.weights.map((weight) => weight.read()));
          expect(Math.abs(loss - expected.loss)).toBeLessThan(tolerance);
          for (const [index, [name, gradient]] of [...expected.gradients].entries()) {
            const scale = Math.max(1, ...gradient.map(Math.abs));
            expect(largestDifference(gradients[index] as Float32Array, gradient) / scale, name).toBeLessThan(tolerance);
          }
        }),
        { numRuns: 80, seed: 1 },
      );
    });

    it.each(kinds)('%s: its gradient is the slope that finite differences see', (kind) => {
      const ours = recurrentLayers(tf)[kind]({
        units: 5,
        returnSequences: true,
        recurrentInitializer,
      } as LstmArguments);
      tf.tidy(() => {
        ours.build([9, 4, 5]);
        ours.built = true;
        ours.setWeights(
          ours.getWeights().map((weight, i) => tf.tensor(numbers(9, 10 + i, weight.size, 1), weight.shape)),
        );
        const [x, way, weighting] = [1, 2, 3].map((stream) => tf.tensor3d(numbers(9, stream, 9 * 4 * 5, 1), [9, 4, 5]));
        const sum = (at: Tensor) => tf.sum(tf.mul(ours.apply(at) as Tensor, weighting as Tensor));
        const slope = tf.sum(tf.mul(tf.grad(sum)(x as Tensor), way as Tensor)).dataSync()[0] as number;
        const step = 1 / 64;
        const [after, before] = [step, -step].map((by) =>
          sum(tf.add(x as Tensor, tf.mul(way as Tensor, by))).dataSync(),
        );
        const difference = ((after?.[0] as number) - (before?.[0] as number)) / (2 * step);
        // the third derivative along the way, of the order of 10, times step² / 6; roundings of 1e-6 over the step
        expect(Math.abs(difference - slope)).toBeLessThan(2e-3);
        expect(Math.abs(slope)).toBeGreaterThan(0.1);
      });
      tf.dispose(ours.weights.map((weight) => weight.read()));
    });

    it('adds up the gradient of an embedding as tf.layers does, ids that come twice too', () => {
      const sizes = fc.record({ words: fc.integer({ min: 1, max: 9 }), width: fc.integer({ min: 1, max: 5 }) });
      fc.assert(
        fc.property(sizes, fc.array(fc.nat(99), { minLength: 1, maxLength: 20 }), ({ words, width }, drawn) => {
          const args = { inputDim: words, outputDim: width };
          const made = [recurrentLayers(tf).embedding(args), tf.layers.embedding(args)];
          const weighting = tf.tensor3d(numbers(1, 1, drawn.length * width, 1), [1, drawn.length, width]);
          const ids = tf.tensor2d(
            drawn.map((id) => id % words),
            [1, drawn.length],
          );
          const [got, expected] = made.map((layer) =>
            tf.tidy(() => {
              layer.apply(ids);
              layer.setWeights([tf.tensor2d(numbers(2, 2, words * width, 1), [words, width])]);
              const values = (layer.apply(ids) as Tensor).dataSync<'float32'>().slice();
              const table = layer.weights[0]?.read() as ReturnType<Tensorflow['variable']>;
              const { grads } = tf.variableGrads(() => tf.sum(tf.mul(layer.apply(ids) as Tensor, weighting)), [table]);
              const gradient = grads[table.name];
              return [values, (gradient as Tensor).dataSync<'float32'>().slice()] as unknown as Tensor;
            }),
          ) as unknown as [Float32Array[], Float32Array[]];
          expect(got[0]).toEqual(expected[0]);
          expect(largestDifference(got[1] as Float32Array, expected[1] as Float32Array)).toBeLessThan(1e-5);
          tf.dispose([weighting, ids, ...made.flatMap((layer) => layer.weights.map((weight) => weight.read()))]);
        }),
        { numRuns: 40, seed: 1 },
      );
    });

    it('says once that it leaves a layer to TensorFlow.js, and why; or refuses', () => {
      const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
      onTestFinished(() => warn.mockRestore());
      const input = { batch: 3, time: 4, features: 2, masked: false, given: false, seed: 3 };
      const options = { units: 3, activation: 'selu', name: 'odd', recurrentInitializer } as const;
      const ours = recurrentLayers(tf).lstm(options);
      expectSame(run(ours, 'lstm', input, false), run(tf.layers.lstm(options), 'lstm', input, false));
      expect(warn.mock.calls).toEqual([
        ['layer odd: activation selu has no fused form; TensorFlow.js computes it itself, slowly'],
      ]);
      const strict = recurrentLayers(tf, { fallback: 'refuse' }).lstm(options);
      expect(() => run(strict, 'lstm', input, false)).toThrow(expect.objectContaining({ code: 'OPTION_UNSUPPORTED' }));
    });

    it.each([
      [{ seed: -1 }, 'OPTION_INVALID'],
      [{ seed: 0.5 }, 'OPTION_INVALID'],
      [{ fallback: 'no' as 'warn' }, 'OPTION_INVALID'],
      [{ sead: 1 } as object, 'OPTION_UNKNOWN'],
    ])('refuses %o', (given, code) => {
      expect(() => recurrentLayers(tf, given)).toThrow(expect.objectContaining({ code }));
    });
  });
}
