/**
 * The path through cuDNN, where there is no device: TensorFlow's library is asked whether it knows the operations as they
 * are called, and the layers run on an emulated device, right and wrong. What no test here sees is NVIDIA's code:
 * `npm run test:gpu` does.
 */
import { availableParallelism } from 'node:os';
import type { Rank, Scalar, Tensor as TfTensor, Variable } from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { ModelSpec } from '../../../../models/layers.ts';
import { zooModel } from '../../../../models/zoo/zoo.ts';
import { tryPart } from '../../../../src/doctor/parts.ts';
import { runners } from '../../../../src/parity/runners.ts';
import {
  type LoadedTensorflow,
  loadNativeTensorflow,
  type Tensorflow,
} from '../../../../src/training/engines/tensorflow/backend.ts';
import { createTensorflowProvider, tensorflowEngine } from '../../../../src/training/engines/tensorflow/engine.ts';
import { recurrentLayers } from '../../../../src/training/engines/tensorflow/index.ts';
import { cudnnMode } from '../../../../src/training/engines/tensorflow/layers/cudnn.ts';
import { judgeCudnn } from '../../../../src/training/engines/tensorflow/layers/cudnn-verdicts.ts';
import { type NativeOps, nativeOps } from '../../../../src/training/engines/tensorflow/native.ts';
import { sgd } from '../../../../src/training/optimisers.ts';
import { train } from '../../../../src/training/train.ts';
import { errorsOf } from '../../../contract/engine-cases.ts';
import { subjectOf } from '../../../contract/runner.ts';
import { randomBatch, randomStates, randomWeights } from '../../../support/arbitrary-spec.ts';
import { paramsSize, pretendGpu } from '../../../support/cudnn.ts';
import { largestDifference } from '../../../support/largest-difference.ts';
import { changeBinding, operationsOf } from '../../../support/tensorflow-binding.ts';
import { arbitraryLayer, arbitrarySizes, type LayerInput, layerIn } from './cudnn-cases.ts';
import { specOf } from './describe-training.ts';

const refusal = await tensorflowEngine.refusal(
  specOf({ type: 'oneHot', depth: 3 }, { type: 'lstm', units: 2 }, { type: 'dense', units: 1 }),
);
if (refusal === undefined) describeNative();
else describe('cuDNN through TensorFlow', () => it.skip(`needs TensorFlow's native library: ${refusal}`));

function describeNative(): void {
  const threads = Number(process.env.TF_NUM_INTRAOP_THREADS) || availableParallelism();
  let loaded: LoadedTensorflow;
  let tf: Tensorflow;
  let native: NativeOps;
  beforeAll(async () => {
    loaded = await loadNativeTensorflow();
    loaded.use();
    tf = loaded.tf;
    native = nativeOps(tf) as NativeOps;
  });

  const asOnGpu = createTensorflowProvider(
    async () => ({ ...(await loadNativeTensorflow()), device: 'GPU' }),
    () => threads,
  );
  const exact = (params: Float64Array) => params;
  let gpu: ReturnType<typeof pretendGpu> | undefined;
  const pretend = (device: Parameters<typeof pretendGpu>[1]) => {
    gpu = pretendGpu(tf, device);
  };
  afterEach(() => {
    gpu?.end();
    gpu = undefined;
  });

  const embedding = { type: 'embedding', inputDim: 9, outputDim: 4 } as const;
  const dense = { type: 'dense', units: 1 } as const;
  const unmasked = { features: embedding.outputDim, masked: false };

  describe("TensorFlow's library", () => {
    const attributes = { T: 'float32', rnn_mode: { text: 'lstm' } } as const;
    const tensors = (shapes: readonly (readonly number[])[]) => shapes.map((shape) => tf.zeros([...shape]));

    it('knows the operations as they are called, and has no kernels for a CPU', () => {
      tf.tidy(() => {
        const lengths = tf.tensor1d([4, 4, 4], 'int32');
        const [x, state, params] = [[4, 3, 5], [1, 3, 2], [100]];
        const given = [...tensors([x, state, state, params] as number[][]), lengths];
        const outputs = tensors([[4, 3, 2], state, state, [4, 3, 2], state, state, [7], [7]] as number[][]);
        const ofLayer = 'T=DT_FLOAT, direction="unidirectional", dropout=0, input_mode="linear_input"';
        // what is not in the operation's definition would be listed too, or refused
        expect(() => native.run('CudnnRNNV3', { ...attributes, is_training: true }, given, 5)).toThrow(
          `{{node CudnnRNNV3}} = CudnnRNNV3[${ofLayer}, is_training=true, num_proj=0, rnn_mode="lstm", seed=0, seed2=0, time_major=true]\nAll kernels registered for op CudnnRNNV3:\n  <no registered kernels>`,
        );
        expect(() => native.run('CudnnRNNBackpropV3', attributes, [...given, ...outputs], 4)).toThrow(
          `{{node CudnnRNNBackpropV3}} = CudnnRNNBackpropV3[${ofLayer}, num_proj=0, rnn_mode="lstm", seed=0, seed2=0, time_major=true]\nAll kernels registered for op CudnnRNNBackpropV3:\n  <no registered kernels>`,
        );
        const sizes = [1, 2, 5].map((size) => tf.scalar(size, 'int32'));
        expect(() => native.run('CudnnRNNParamsSize', { ...attributes, S: 'int32' }, sizes, 1)).toThrow(
          `{{node CudnnRNNParamsSize}} = CudnnRNNParamsSize[S=DT_INT32, ${ofLayer}, num_proj=0, rnn_mode="lstm", seed=0, seed2=0]\nAll kernels registered for op CudnnRNNParamsSize:\n  <no registered kernels>`,
        );
      });
    });

    it.each(['lstm', 'gru', 'rnn_tanh', 'rnn_relu'])('knows the mode %s, and would refuse another', (mode) => {
      tf.tidy(() => {
        const sizes = [1, 2, 5].map((size) => tf.scalar(size, 'int32'));
        const size = (text: string) =>
          native.run('CudnnRNNParamsSize', { T: 'float32', S: 'int32', rnn_mode: { text } }, sizes, 1);
        expect(() => size(mode)).toThrow('no registered kernels');
        expect(() => size(`${mode}s`)).toThrow('not in the list of allowed values');
      });
    });

    it('takes inputs in the order in which they are given, as its definition says', () => {
      tf.tidy(() => {
        const two = tensors([[1], [1]]);
        expect(() => native.run('CudnnRNNV3', attributes, two, 5)).toThrow(
          'signature=input:T, input_h:T, input_c:T, params:T, sequence_lengths:int32 -> output:T, output_h:T, output_c:T, reserve_space:T, host_reserved:int8;',
        );
        expect(() => native.run('CudnnRNNBackpropV3', attributes, two, 4)).toThrow(
          'signature=input:T, input_h:T, input_c:T, params:T, sequence_lengths:int32, output:T, output_h:T, output_c:T, output_backprop:T, output_h_backprop:T, output_c_backprop:T, reserve_space:T, host_reserved:int8 -> input_backprop:T, input_h_backprop:T, input_c_backprop:T, params_backprop:T;',
        );
      });
    });
  });

  const layers = [
    embedding,
    { type: 'bidirectional', layer: { type: 'lstm', units: 3, returnSequences: true } },
    { type: 'gru', units: 4, returnSequences: true },
    { type: 'simpleRnn', units: 2 },
    dense,
  ] as const satisfies LayerInput[];

  async function stepOn(spec: ModelSpec) {
    const engine = await asOnGpu.prepare({ spec, weights: randomWeights(spec, 1), optimiser: sgd, threads });
    try {
      const batch = randomBatch(spec, 3, 5, 1);
      const evaluated = await operationsOf(tf, () => engine.evaluate(batch));
      const stepped = await operationsOf(tf, () => engine.step(batch, { seed: 0, epoch: 0, step: 0 }, 1));
      const { logits } = await engine.evaluate(batch);
      return { remark: engine.remark, evaluated, stepped, logits };
    } finally {
      await engine.dispose();
    }
  }
  const ofCudnn = (names: readonly string[]) =>
    names.filter((name) => name.startsWith('CudnnRNN') && !name.endsWith('Size'));

  describe('without a kernel', () => {
    it('a model trains as before, and the engine says why, once for all layers', async () => {
      const spec = specOf(...layers);
      const expected = await stepOn(spec);
      expect(expected.remark).toBeUndefined();
      pretend('none');
      const got = await stepOn(spec);
      expect(got.logits).toEqual(expected.logits);
      expect(got.remark).toBe(
        'bidirectional, gru, simple_rnn not on cuDNN: Could not find device for node: {{node CudnnRNNParamsSize}}',
      );
    });

    it('says so where people look: before training, in a parity report, in what doctor finds', async () => {
      pretend('none');
      const why = /(^|; )lstm not on cuDNN: Could not find device for node: {{node CudnnRNNParamsSize}}/;
      const labels = ['no', 'yes'];
      const examples = Array.from({ length: 40 }, (_, at) => ({
        id: `${at}`,
        text: `${at % 2 ? 'good' : 'bad'} ${at}`,
        label: at % 2,
      }));
      let note = '';
      await train({
        ...{
          spec: zooModel('lstm').build,
          data: { labels, examples, source: 'test', notes: [] },
          engine: 'tensorflow',
          maxLength: 4,
          epochs: 1,
        },
        onStart: ({ engine }) => {
          note = engine.note;
        },
      });
      expect(note).toMatch(why);
      const session = await runners.tensorflow.open(subjectOf(specOf(embedding, { type: 'lstm', units: 2 }, dense)));
      expect(session.description).toMatch(why);
      await session.dispose();
      expect(await tryPart('tensorflow')).toMatchObject({ state: 'works', detail: expect.stringMatching(why) });
    });

    it('a layer of recurrent-onnx/tfjs computes as before, and the console says why, once', () => {
      pretend('none');
      const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
      onTestFinished(() => warn.mockRestore());
      const options = {
        units: 3,
        recurrentActivation: 'sigmoid',
        recurrentInitializer: 'glorotUniform',
        name: 'mine',
      } as const;
      const ours = recurrentLayers(tf).lstm(options);
      const theirs = tf.layers.lstm(options);
      tf.tidy(() => {
        const x = tf.randomUniform([2, 4, 3], -1, 1, 'float32', 1);
        const expected = theirs.apply(x) as typeof x;
        ours.apply(x);
        ours.setWeights(theirs.getWeights());
        const got = ours.apply(x) as typeof x;
        expect(largestDifference(got.dataSync(), expected.dataSync())).toBeLessThan(1e-6);
      });
      tf.dispose([...ours.weights, ...theirs.weights].map((weight) => weight.read()));
      expect(warn.mock.calls).toEqual([
        [
          'layer mine: not on cuDNN: Could not find device for node: {{node CudnnRNNParamsSize}}; other operations of TensorFlow compute it',
        ],
      ]);
    });
  });

  describe('on an emulated device that is right', () => {
    it('a layer is one operation a direction, and one back; in evaluation nothing is kept for a gradient', async () => {
      const spec = specOf(...layers);
      const expected = await stepOn(spec);
      pretend(exact);
      const got = await stepOn(spec);
      expect(got.remark).toBe('bidirectional, gru, simple_rnn on cuDNN');
      expect(ofCudnn(got.evaluated)).toEqual(Array(4).fill('CudnnRNNV3'));
      expect(ofCudnn(got.stepped).sort()).toEqual([
        ...Array(4).fill('CudnnRNNBackpropV3'),
        ...Array(4).fill('CudnnRNNV3, is_training'),
      ]);
      expect(got.stepped.some((name) => name.startsWith('BlockLSTM'))).toBe(false);
      expect(largestDifference(got.logits, expected.logits)).toBeLessThan(1e-5); // float32 twice, weights of the order of 1
    });

    it('a layer computes outputs and gradients of the float64 reference, with masks and in every direction', async () => {
      const options = fc.record({
        direction: fc.constantFrom('forward' as const, 'backward' as const, 'bidirectional' as const),
        dropout: fc.constantFrom(0, 0.25),
        maskZero: fc.boolean(),
        returnSequences: fc.boolean(),
        given: fc.boolean(),
        rows: fc.integer({ min: 1, max: 5 }),
        time: fc.integer({ min: 1, max: 6 }),
        seed: fc.nat(),
      });
      await fc.assert(
        fc.asyncProperty(arbitraryLayer, arbitrarySizes, options, async (input, { units, features }, options) => {
          const { direction, dropout, maskZero, given, rows, time, seed } = options;
          const returnSequences = options.returnSequences && !(direction === 'backward' && maskZero); // refused by the spec
          const inner = { ...input, units, dropout, returnSequences } as Extract<LayerInput, { type: 'lstm' }>;
          const spec = specOf(
            { ...embedding, outputDim: features, maskZero },
            direction === 'bidirectional'
              ? { type: direction, layer: inner }
              : { ...inner, goBackwards: direction === 'backward' },
            ...(returnSequences ? [{ type: 'pooling' as const, kind: 'average' as const }] : []),
            dense,
          );
          const batch = randomBatch(spec, rows, time, seed);
          const initialStates = given ? randomStates(spec, rows, seed) : undefined;
          const weights = randomWeights(spec, seed);
          pretend(exact);
          let errors = { logits: Number.NaN, gradients: Number.NaN };
          const operations = await operationsOf(tf, async () => {
            errors = await errorsOf(
              { provider: asOnGpu, threads },
              { spec, weights, batch: { ...batch, initialStates } },
            );
          });
          gpu?.end();
          // float32: some hundred operations of 6e-8 on values of the order of 1
          expect(errors.logits).toBeLessThan(5e-6);
          expect(errors.gradients).toBeLessThan(5e-6);
          const proofAndStep = direction === 'bidirectional' ? 1 + 2 : 1 + 1;
          const isTaken = cudnnMode(layerIn(spec), maskZero) !== undefined;
          const back = operations.filter((name) => name === 'CudnnRNNBackpropV3');
          expect(back).toHaveLength(isTaken ? proofAndStep : 0);
        }),
        { numRuns: 25, seed: 1 },
      );
    });

    it.each<[string, LayerInput[]]>([
      ['recurrent dropout', [embedding, { type: 'lstm', units: 3, recurrentDropout: 0.5 }]],
      ['another activation', [embedding, { type: 'gru', units: 3, activation: 'softsign' }]],
      [
        'one-hot rows',
        [
          { type: 'oneHot', depth: 9 },
          { type: 'gru', units: 3 },
        ],
      ],
      [
        'relu behind a mask',
        [
          { ...embedding, maskZero: true },
          { type: 'simpleRnn', units: 3, activation: 'relu' },
        ],
      ],
    ])('is passed by for %s', async (_, layers) => {
      pretend(exact);
      const got = await stepOn(specOf(...layers, dense));
      expect([got.remark, ...ofCudnn(got.stepped)]).toEqual([undefined]);
    });
  });

  describe('on an emulated device that is wrong', () => {
    const sizes = [
      { units: 1, features: 1 },
      { units: 3, features: 2 },
    ];
    /** Of a row of weights: where the parts begin that may be mistaken for each other. */
    function partsOf(count: number, units: number, features: number) {
      const [kernel, recurrent] = [units * features, units * units];
      const biases = count * (kernel + recurrent);
      return { kernel, recurrent, biases, recurrentAt: count * kernel, halfOfBiases: count * units };
    }
    const swap = (row: Float64Array, a: number, b: number, length: number) => {
      const swapped = row.slice();
      swapped.set(row.subarray(a, a + length), b);
      swapped.set(row.subarray(b, b + length), a);
      return swapped;
    };
    const counts = { lstm: 4, gru: 3 } as const;
    const mistakes = (type: keyof typeof counts, { units, features }: (typeof sizes)[number]) => {
      const count = counts[type];
      const { kernel, recurrent, biases, recurrentAt, halfOfBiases } = partsOf(count, units, features);
      const pairs = Array.from({ length: count }, (_, a) =>
        Array.from({ length: a }, (_, b) => [a, b] as const),
      ).flat();
      const transposed = (row: Float64Array, at: number, rows: number, columns: number) => {
        const turned = row.slice();
        for (let entry = 0; entry < rows * columns; entry++) {
          turned[at + (entry % columns) * rows + Math.floor(entry / columns)] = row[at + entry] as number;
        }
        return turned;
      };
      return [
        ...pairs.flatMap(
          ([a, b]) =>
            [
              [`kernels ${a} and ${b}`, (row: Float64Array) => swap(row, a * kernel, b * kernel, kernel)],
              [
                `recurrent kernels ${a} and ${b}`,
                (row: Float64Array) => swap(row, recurrentAt + a * recurrent, recurrentAt + b * recurrent, recurrent),
              ],
              [`biases ${a} and ${b}`, (row: Float64Array) => swap(row, biases + a * units, biases + b * units, units)],
            ] as const,
        ),
        ...(units > 1
          ? [
              [
                'a recurrent kernel that lies',
                (row: Float64Array) => transposed(row, recurrentAt, units, units),
              ] as const,
            ]
          : []),
        ...(units > 1 && features > 1
          ? [['a kernel that lies', (row: Float64Array) => transposed(row, 0, units, features)] as const]
          : []),
        ...(type === 'gru'
          ? [['the two biases', (row: Float64Array) => swap(row, biases, biases + halfOfBiases, halfOfBiases)] as const]
          : []),
      ] as const;
    };

    it.each(['lstm', 'gru'] as const)(
      'every mistake in the weights of a %s is seen, even with the tolerance for TF32',
      (type) => {
        vi.stubEnv('NVIDIA_TF32_OVERRIDE', '1');
        onTestFinished(() => {
          vi.unstubAllEnvs();
        });
        for (const size of sizes) {
          const spec = specOf(
            { ...embedding, outputDim: size.features },
            { type, units: size.units, bias: 'double' },
            dense,
          );
          const layer = layerIn(spec);
          const judge = () => {
            const before = tf.memory().numTensors;
            const verdict = judgeCudnn(tf, layer, { features: size.features, masked: false });
            expect(tf.memory().numTensors).toBe(before);
            gpu?.end();
            return verdict;
          };
          pretend(exact);
          expect(judge()).toEqual({ taken: true, mode: type, off: expect.closeTo(0, 5) });
          for (const [mistake, change] of mistakes(type, size)) {
            pretend(change);
            expect(judge(), mistake).toEqual({
              taken: false,
              reason: expect.stringMatching(/^its .* is off by .*, and 0.01 is allowed$/),
            });
          }
        }
      },
    );
  });

  it.each([
    ['CudnnRNNV3', 0, 'output'],
    ['CudnnRNNBackpropV3', 0, 'gradient of the inputs'],
    ['CudnnRNNBackpropV3', 1, 'gradient of the state h'],
    ['CudnnRNNBackpropV3', 2, 'gradient of the state c'],
    ['CudnnRNNBackpropV3', 3, 'gradient of the (kernel|recurrent kernel|bias)'],
  ] as const)('a tenth too much in output %s %i is seen', (operation, output, named) => {
    pretend(exact);
    const grown = changeBinding(tf, (real) => ({
      executeOp: (name, ...rest) => {
        const held = real.executeOp(name, ...rest);
        const one = held[output];
        if (name !== operation || !one) return held;
        const more = real.tensorDataSync(one.id).map((value) => 1.1 * value);
        return held.with(output, { ...one, id: real.createTensor(one.shape, one.dtype, more) });
      },
    }));
    const verdict = judgeCudnn(tf, layerIn(specOf(embedding, { type: 'lstm', units: 3 }, dense)), unmasked);
    grown.end();
    expect(verdict).toEqual({ taken: false, reason: expect.stringMatching(`^its ${named}( in inference)? is off by`) });
  });

  it('an operation that fails on the way back leaves nothing behind', () => {
    pretend(exact);
    const broken = changeBinding(tf, ({ executeOp }) => ({
      executeOp: (name, ...rest) => {
        if (name === 'CudnnRNNBackpropV3')
          throw new Error('Invalid TF_Status: 13\nMessage: Failed to call ThenRnnBackward');
        return executeOp(name, ...rest);
      },
    }));
    const before = tf.memory().numTensors;
    const verdict = judgeCudnn(tf, layerIn(specOf(embedding, { type: 'lstm', units: 3 }, dense)), {
      features: 4,
      masked: false,
    });
    broken.end();
    expect(verdict).toEqual({ taken: false, reason: 'Failed to call ThenRnnBackward' });
    expect(tf.memory().numTensors).toBe(before);
  });

  it.each(['lstm', 'gru'] as const)(
    'a row of weights of another size than cuDNN wants is not given to it: %s',
    (type) => {
      pretend(exact);
      const grown = changeBinding(tf, (real) => ({
        executeOp: (name, ...rest) => {
          if (name !== 'CudnnRNNParamsSize') return real.executeOp(name, ...rest);
          return [{ id: real.createTensor([], real.TF_INT32, Int32Array.of(1000)), shape: [], dtype: real.TF_INT32 }];
        },
      }));
      const verdict = judgeCudnn(tf, layerIn(specOf(embedding, { type, units: 3 }, dense)), {
        features: 4,
        masked: false,
      });
      grown.end();
      const size = paramsSize(type, 3, 4);
      expect(verdict).toEqual({ taken: false, reason: `it wants 1000 weights, and has ${size}` });
    },
  );

  it('leaves an LSTM whose cell state is wanted to the operation that gives it', async () => {
    pretend(exact);
    const options = {
      units: 3,
      recurrentActivation: 'sigmoid',
      recurrentInitializer: 'glorotUniform',
      returnState: true,
    } as const;
    const [ours, theirs] = [recurrentLayers(tf).lstm(options), tf.layers.lstm(options)];
    for (const layer of [ours, theirs]) layer.build([null, null, 2]);
    ours.setWeights(theirs.getWeights());
    const x = tf.randomUniform<Rank.R3>([3, 4, 2], -1, 1, 'float32', 1);
    const results = (layer: typeof ours) =>
      tf.tidy(
        () => (layer.call(x, {}) as TfTensor[]).map((one) => Array.from(one.dataSync())) as unknown as TfTensor,
      ) as unknown as number[][];
    let got: number[][] = [];
    const names = await operationsOf(tf, () => {
      got = results(ours);
    });
    expect(names).toContain('BlockLSTMV2');
    for (const [index, expected] of results(theirs).entries()) {
      expect(largestDifference(got[index] as number[], expected)).toBeLessThan(1e-6);
    }
    tf.dispose([x, ...[...ours.weights, ...theirs.weights].map((weight) => weight.read())]);
  });

  it('proves itself inside the first step of recurrent-onnx/tfjs, and trains as the layer it replaces', () => {
    pretend(exact);
    const options = { units: 3, recurrentActivation: 'sigmoid', recurrentInitializer: 'glorotUniform' } as const;
    const [ours, theirs] = [recurrentLayers(tf).lstm(options), tf.layers.lstm(options)];
    for (const layer of [ours, theirs]) layer.build([null, null, 2]);
    ours.setWeights(theirs.getWeights());
    const x = tf.randomUniform<Rank.R3>([3, 4, 2], -1, 1, 'float32', 1);
    const gradientsOf = (layer: typeof ours) =>
      tf.tidy(() => {
        const variables = layer.trainableWeights.map((weight) => weight.read() as Variable);
        const { grads } = tf.variableGrads(
          () => tf.sum<Scalar>(layer.call(x, { training: true }) as TfTensor),
          variables,
        );
        return variables.map(({ name }) => Array.from(grads[name]?.dataSync() ?? [])) as unknown as TfTensor;
      }) as unknown as number[][];
    const expected = gradientsOf(theirs);
    const before = tf.memory().numTensors;
    for (const [index, gradient] of gradientsOf(ours).entries()) {
      expect(largestDifference(gradient, expected[index] as number[])).toBeLessThan(1e-5);
    }
    expect(tf.memory().numTensors).toBe(before);
    tf.dispose([x, ...[...ours.weights, ...theirs.weights].map((weight) => weight.read())]);
  });
}
