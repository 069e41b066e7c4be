import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { activations } from '../../../models/activations.ts';
import type { ModelSpec, RecurrentLayer, SpecInput } from '../../../models/layers.ts';
import { planModel } from '../../../models/plan.ts';
import { parseSpec } from '../../../models/spec.ts';
import type { Weights } from '../../../models/weights.ts';
import { referenceForward, referenceLayerOutputs } from '../../../src/reference/reference.ts';
import {
  type LoadedTensorflow,
  loadTensorflow,
  type Tensorflow,
} from '../../../src/training/engines/tensorflow/backend.ts';
import { createForward } from '../../../src/training/engines/tensorflow/forward.ts';
import { toLayersModel } from '../../../src/training/engines/tensorflow/to-layers-model.ts';
import {
  activationsWithinOne,
  arbitraryCase,
  materialise,
  randomBatch,
  randomWeights,
} from '../../support/arbitrary-spec.ts';

type Model = ReturnType<typeof toLayersModel>;
type TfTensor = InstanceType<Tensorflow['Tensor']>;

let loaded: LoadedTensorflow;
let tf: Tensorflow;
const printed: unknown[] = [];

beforeAll(async () => {
  const streams = [process.stdout, process.stderr].map((stream) => vi.spyOn(stream, 'write'));
  const methods = (['log', 'info', 'warn', 'error'] as const).map((method) => vi.spyOn(console, method));
  loaded = await loadTensorflow();
  tf = loaded.tf;
  tf.ones([2]).dispose();
  for (const spy of [...streams, ...methods]) {
    printed.push(...spy.mock.calls);
    spy.mockRestore();
  }
});

function predict(model: Model, ids: Int32Array, rows: number, time: number): [Float32Array, Float32Array] {
  return tf.tidy(() => {
    const outputs = model.predictOnBatch(tf.tensor2d(ids, [rows, time], 'int32')) as TfTensor[];
    return outputs.map((output) => output.dataSync()) as unknown as [Float32Array, Float32Array];
  });
}

function largestDifference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(actual.length).toBe(expected.length);
  return Math.max(...Array.from(expected, (value, index) => Math.abs(value - (actual[index] as number))));
}

function specOf(...layers: SpecInput['layers']): ModelSpec {
  return parseSpec({ version: 1, name: 'test', layers });
}

/** Largest error of logits and probabilities against the reference. */
function errorOf(spec: ModelSpec, weights: Weights, ids: Int32Array, rows: number, time: number): number {
  const model = toLayersModel(tf, spec, weights);
  try {
    const [logits, probabilities] = predict(model, ids, rows, time);
    const expected = referenceForward({ spec, weights }, ids, rows, time);
    return Math.max(
      largestDifference(logits, expected.logits),
      largestDifference(probabilities, expected.probabilities),
    );
  } finally {
    model.dispose();
  }
}

/**
 * The project's bound for float32 against float64 (docs/parity.md). With activations that keep states below 2, chains of
 * at most 21 steps and 5 units collect some tens of errors: of 6e-8 in TensorFlow's operations, of up to 3.4e-7 in the
 * kernels that walk through time. The largest seen in 1,500 models was 5.3e-7.
 */
const tolerance = 5e-6;

describe('loadTensorflow', () => {
  test('says in one line what runs and why not the faster ones', () => {
    expect(loaded.description).toMatch(/^TensorFlow\.js 4\.\d+\.\d+ \(.+\)$/);
    expect(loaded.note.startsWith(loaded.description)).toBe(true);
    expect(loaded.note).not.toContain('\n');
    if (loaded.description.includes('cpu backend')) {
      expect(loaded.note).toMatch(/tfjs-node-gpu: .+; @tensorflow\/tfjs-node: .+/);
    }
  });

  test('prints nothing', () => expect(printed).toEqual([]));

  test('loads once', async () => expect((await loadTensorflow()).tf).toBe(tf));

  test('leaves the mode of TensorFlow.js as it was', () => expect(tf.env().getBool('PROD')).toBe(false));

  /** A folder with `files`, from which packages are looked up. */
  function application(files: Readonly<Record<string, string>>): string {
    const folder = mkdtempSync(join(tmpdir(), 'recurrent-onnx-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    for (const [path, contents] of Object.entries(files)) {
      mkdirSync(join(folder, 'node_modules', path, '..'), { recursive: true });
      writeFileSync(join(folder, 'node_modules', path), contents);
    }
    return join(folder, 'app.js');
  }

  test('names the command to run when nothing is installed', async () => {
    await expect(loadTensorflow(application({}))).rejects.toMatchObject({
      code: 'ENGINE_MISSING',
      message: expect.stringContaining('@tensorflow/tfjs-layers is not installed'),
      hint: 'Run: npm install @tensorflow/tfjs-core@4.22.0 @tensorflow/tfjs-layers@4.22.0 @tensorflow/tfjs-backend-cpu@4.22.0',
    });
  });

  const packageFile = (name: string) => JSON.stringify({ name, version: '4.22.0', main: 'dist/index.js' });
  const reaching = (path: string) => `module.exports = require(${JSON.stringify(path)});`;
  const throwing = (message: string) => `throw new Error(${JSON.stringify(message)});`;

  test('falls back, with the reason, when a native binding is missing or does not load', async () => {
    const here = (name: string) => join(import.meta.dirname, '../../../node_modules', name);
    const core = reaching(here('@tensorflow/tfjs-core'));
    const from = application({
      '@tensorflow/tfjs-node-gpu/package.json': packageFile('@tensorflow/tfjs-node-gpu'),
      '@tensorflow/tfjs-node-gpu/dist/index.js': throwing('must not be loaded'),
      '@tensorflow/tfjs-node/package.json': packageFile('@tensorflow/tfjs-node'),
      '@tensorflow/tfjs-node/dist/index.js': throwing('libtensorflow.so.2: cannot open\nmore'),
      '@tensorflow/tfjs-node/lib/napi-v8/tfjs_binding.node': '',
      '@tensorflow/tfjs-core/package.json': packageFile('@tensorflow/tfjs-core'),
      '@tensorflow/tfjs-core/dist/index.js': core,
      '@tensorflow/tfjs-layers/package.json': packageFile('@tensorflow/tfjs-layers'),
      '@tensorflow/tfjs-layers/dist/index.js': reaching(here('@tensorflow/tfjs-layers')),
      '@tensorflow/tfjs-backend-cpu/package.json': packageFile('@tensorflow/tfjs-backend-cpu'),
      '@tensorflow/tfjs-backend-cpu/dist/index.js': reaching(here('@tensorflow/tfjs-backend-cpu')),
    });
    const { note } = await loadTensorflow(from);
    expect(note).toBe(
      'TensorFlow.js 4.22.0 (cpu backend); @tensorflow/tfjs-node-gpu: its native binding is not there; ' +
        '@tensorflow/tfjs-node: its native binding does not load (libtensorflow.so.2: cannot open)',
    );
  });

  test('refuses two copies of tfjs-core', async () => {
    const from = application({
      '@tensorflow/tfjs-core/package.json': packageFile('@tensorflow/tfjs-core'),
      '@tensorflow/tfjs-core/dist/index.js': '',
      '@tensorflow/tfjs-layers/package.json': packageFile('@tensorflow/tfjs-layers'),
      '@tensorflow/tfjs-layers/dist/index.js': '',
      '@tensorflow/tfjs-layers/node_modules/@tensorflow/tfjs-core/index.js': '',
      '@tensorflow/tfjs-backend-cpu/package.json': packageFile('@tensorflow/tfjs-backend-cpu'),
      '@tensorflow/tfjs-backend-cpu/dist/index.js': '',
    });
    await expect(loadTensorflow(from)).rejects.toMatchObject({
      code: 'ENGINE_MISSING',
      message: expect.stringContaining('two copies of @tensorflow/tfjs-core'),
    });
  });
});

describe('toLayersModel', () => {
  test('equals the float64 reference on any model', () => {
    fc.assert(
      fc.property(arbitraryCase({ activations: activationsWithinOne }), (modelCase) => {
        const { weights, batch } = materialise(modelCase);
        expect(errorOf(modelCase.spec, weights, batch.ids, batch.rows, batch.time)).toBeLessThan(tolerance);
      }),
      { numRuns: 150 },
    );
  });

  test('equals the float64 reference layer by layer, at masked steps too', () => {
    fc.assert(
      fc.property(
        arbitraryCase({ activations: activationsWithinOne, maskZero: 'always', dropout: 'never' }),
        (modelCase) => {
          const { spec } = modelCase;
          const { weights, batch } = materialise(modelCase);
          const expected = referenceLayerOutputs({ spec, weights }, batch);
          const model = toLayersModel(tf, spec, weights);
          try {
            for (const { name } of spec.layers) {
              const upTo = tf.model({ inputs: model.inputs, outputs: model.getLayer(name).output });
              const output = tf.tidy(() =>
                (upTo.predictOnBatch(tf.tensor2d(batch.ids, [batch.rows, batch.time], 'int32')) as TfTensor).dataSync(),
              );
              expect(largestDifference(output, expected.get(name) as Float64Array), name).toBeLessThan(tolerance);
            }
          } finally {
            model.dispose();
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  describe.each(['simpleRnn', 'lstm', 'gru'] as const)('%s', (type) => {
    test.each(activations)('with %s everywhere equals the reference', (activation) => {
      const gates = type === 'simpleRnn' ? {} : { recurrentActivation: activation };
      const spec = specOf(
        { type: 'embedding', inputDim: 9, outputDim: 4 },
        { type, units: 4, activation, ...gates } as Partial<RecurrentLayer> as SpecInput['layers'][number],
        { type: 'dense', units: 1 },
      );
      const { ids } = randomBatch(spec, 6, 4, 7);
      expect(errorOf(spec, randomWeights(spec, 7), ids, 6, 4)).toBeLessThan(tolerance);
    });
  });

  const everything = specOf(
    { type: 'embedding', inputDim: 11, outputDim: 3, maskZero: true },
    { type: 'bidirectional', layer: { type: 'gru', units: 3, returnSequences: true }, mergeMode: 'ave' },
    { type: 'dropout', rate: 0.5 },
    { type: 'simpleRnn', units: 4, returnSequences: true, bias: 'double', activation: 'hardSigmoidLegacy' },
    { type: 'bidirectional', layer: { type: 'lstm', units: 2, returnSequences: true, bias: 'none' } },
    { type: 'gru', name: 'before', units: 3, resetAfter: false, returnSequences: true },
    { type: 'pooling', kind: 'max' },
    { type: 'dense', name: 'probabilities', units: 4, activation: 'relu' },
    { type: 'dense', units: 3, activation: 'softmax' },
  );

  test('has the weights of the spec under their names', () => {
    const weights = randomWeights(everything, 3);
    const model = toLayersModel(tf, everything, weights);
    const second = toLayersModel(tf, everything, weights);
    for (const { weights: variables } of [model, second]) {
      expect(variables.map(({ originalName }) => originalName)).toEqual(
        planModel(everything).parameters.map(({ name }) => name),
      );
      for (const variable of variables) {
        expect(variable.read().dataSync()).toEqual(weights.get(variable.originalName)?.data);
      }
    }
    model.dispose();
    second.dispose();
  });

  test.each([
    ['every layer kind', everything],
    [
      'one-hot rows that are looked up',
      specOf(
        { type: 'oneHot', depth: 11 },
        { type: 'bidirectional', layer: { type: 'gru', units: 3, bias: 'none' } },
        { type: 'dense', units: 1, activation: 'sigmoid' },
      ),
    ],
    [
      'one-hot rows that are stored',
      specOf({ type: 'oneHot', depth: 11 }, { type: 'pooling', kind: 'average' }, { type: 'dense', units: 1 }),
    ],
  ])('saves and loads %s', async (_, spec) => {
    const model = toLayersModel(tf, spec, randomWeights(spec, 3));
    const { ids } = randomBatch(spec, 5, 6, 3);
    const before = predict(model, ids, 5, 6);

    let json = '';
    let data = new ArrayBuffer(0);
    await model.save(
      tf.io.withSaveHandler(async ({ weightData, ...artifacts }) => {
        json = JSON.stringify(artifacts);
        data = weightData as ArrayBuffer;
        return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } };
      }),
    );
    model.dispose();
    const restored = await tf.loadLayersModel(tf.io.fromMemory({ ...JSON.parse(json), weightData: data }));
    expect(predict(restored, ids, 5, 6)).toEqual(before);
    restored.dispose();
  });

  test('leaks no tensor', async () => {
    const weights = randomWeights(everything, 1);
    const { ids } = randomBatch(everything, 3, 5, 1);
    const before = tf.memory().numTensors;
    const model = toLayersModel(tf, everything, weights);
    expect(tf.memory().numTensors).toBe(before + weights.size);
    predict(model, ids, 3, 5);
    expect(tf.memory().numTensors).toBe(before + weights.size);
    model.dispose();
    expect(tf.memory().numTensors).toBe(before);

    const forward = createForward(tf, { spec: everything, weights });
    await Promise.all([forward.run(ids, 3, 5), forward.run(ids.subarray(5), 2, 5)]);
    forward.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  test('never stores the one-hot matrix in front of a recurrent layer', async () => {
    const spec = specOf(
      { type: 'oneHot', depth: 20_000 },
      { type: 'simpleRnn', units: 2 },
      { type: 'dense', units: 1 },
    );
    const model = toLayersModel(tf, spec, randomWeights(spec, 1));
    const ids = tf.zeros([64, 50], 'int32');
    const { peakBytes } = await tf.profile(() => model.predictOnBatch(ids) as TfTensor[]);
    expect(peakBytes).toBeLessThan(64 * 50 * 20_000 * 4 * 0.01);
    model.dispose();
  });

  test('drops out while training only, at random without the address of a step', () => {
    const spec = specOf(
      { type: 'embedding', inputDim: 5, outputDim: 6 },
      { type: 'dropout', rate: 0.5 },
      { type: 'lstm', units: 6, dropout: 0.5, recurrentDropout: 0.5 },
      { type: 'dense', units: 1 },
    );
    const model = toLayersModel(tf, spec, randomWeights(spec, 1));
    const ids = Int32Array.of(1, 2, 3, 4);
    const logit = (options: object) =>
      tf.tidy(() => (model.apply(tf.tensor2d(ids, [1, 4]), options) as TfTensor[])[0]?.dataSync()[0]);
    const address = { seed: 0, epoch: 0, step: 0 };
    expect(logit({})).toBe(logit({}));
    expect(logit({ training: true })).not.toBe(logit({}));
    expect(logit({ training: true })).not.toBe(logit({ training: true }));
    expect(logit({ training: true, address })).toBe(logit({ training: true, address }));
    expect(logit({ training: true, address })).not.toBe(logit({ training: true, address: { ...address, step: 1 } }));
    model.dispose();
  });

  test('checks the weights', () => {
    const weights = randomWeights(everything, 1);
    weights.delete('before/bias');
    expect(() => toLayersModel(tf, everything, weights)).toThrow(expect.objectContaining({ code: 'WEIGHTS_INVALID' }));
  });

  test('takes every layer name that a spec takes, and keeps its own apart', () => {
    const name = fc.oneof(
      fc.constantFrom('ids', 'probabilities'),
      fc.string({ unit: fc.constantFrom(...'aZ09_.-'), minLength: 1, maxLength: 3 }),
    );
    fc.assert(
      fc.property(fc.uniqueArray(name, { minLength: 3, maxLength: 3 }), ([first, second, third]) => {
        const spec = accepted({
          version: 1,
          name: 'test',
          layers: [
            { type: 'embedding', name: first, inputDim: 5, outputDim: 2 },
            { type: 'pooling', name: second, kind: 'max' },
            { type: 'dense', name: third, units: 1 },
          ],
        });
        fc.pre(spec !== undefined);
        toLayersModel(tf, spec, randomWeights(spec, 1)).dispose();
      }),
    );
  });

  function accepted(json: unknown): ModelSpec | undefined {
    try {
      return parseSpec(json);
    } catch {
      return undefined;
    }
  }
});
