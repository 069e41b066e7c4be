/** Models that TensorFlow.js itself made and computed, saved as it saves them. */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { importModel } from '../../../models/importers/import-model.ts';
import type { ImportOptions } from '../../../models/importers/options.ts';
import { RecurrentError } from '../../../src/core/errors.ts';
import { recurrentLayers } from '../../../src/training/engines/tensorflow/index.ts';
import { expectAgreement } from './agree.ts';

const words = ['good', 'bad', 'film', 'plot', 'long'];
const options: ImportOptions = { vocabulary: words, maxLength: 5 };
const ids = [
  [3, 1, 4, 1, 5],
  [0, 0, 2, 6, 5],
  [3, 5, 2, 0, 0],
  [5, 0, 1, 0, 4],
];

const fixtures = new URL('../../fixtures/importers/', import.meta.url);

let folder: string;
let count = 0;

beforeAll(async () => {
  tf.enableProdMode();
  await tf.setBackend('cpu');
  folder = await mkdtemp(join(tmpdir(), 'recurrent-tfjs-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Saved {
  readonly json: Record<string, unknown>;
  readonly weights: Uint8Array;
}

async function artifactsOf(model: tf.LayersModel): Promise<Saved> {
  let saved: tf.io.ModelArtifacts | undefined;
  await model.save(
    tf.io.withSaveHandler(async (artifacts) => {
      saved = artifacts;
      return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } };
    }),
  );
  const { weightData, weightSpecs, ...json } = saved as tf.io.ModelArtifacts;
  const weightsManifest = [{ paths: ['./weights.bin'], weights: weightSpecs }];
  return { json: { ...json, weightsManifest }, weights: new Uint8Array(weightData as ArrayBuffer) };
}

async function write({ json, weights }: Saved): Promise<string> {
  const path = join(folder, `${count++}.json`);
  const file = path.replace('json', 'bin');
  const manifest = JSON.stringify(json).replace('weights.bin', file.slice(folder.length + 1));
  await Promise.all([writeFile(path, manifest), writeFile(file, weights)]);
  return path;
}

/** Weights large enough that a wrong gate or a missing bias shows. */
function draw(model: tf.LayersModel): tf.LayersModel {
  model.setWeights(
    model.getWeights().map(({ shape }, index) => tf.randomUniform(shape, -0.9, 0.9, 'float32', 7 + index)),
  );
  return model;
}

function sequential(...layers: tf.layers.Layer[]): tf.Sequential {
  return draw(tf.sequential({ layers })) as tf.Sequential;
}

const embedding = (maskZero = false) => tf.layers.embedding({ inputDim: 7, outputDim: 3, inputLength: 5, maskZero });
const sigmoid = () => tf.layers.dense({ units: 1, activation: 'sigmoid' });
const { lstm, gru, simpleRNN, bidirectional, dense, dropout, globalAveragePooling1d, globalMaxPooling1d } = tf.layers;

const cases: Readonly<Record<string, () => tf.LayersModel>> = {
  'LSTM with its hard sigmoid': () => sequential(embedding(), lstm({ units: 3 }), sigmoid()),
  'LSTM, masked': () => sequential(embedding(true), lstm({ units: 3, recurrentActivation: 'sigmoid' }), sigmoid()),
  'GRU, no bias, backwards': () =>
    sequential(embedding(), gru({ units: 3, useBias: false, goBackwards: true }), sigmoid()),
  'SimpleRNN, relu, dropout': () =>
    sequential(
      embedding(),
      simpleRNN({ units: 3, activation: 'relu', dropout: 0.2, recurrentDropout: 0.1 }),
      sigmoid(),
    ),
  'Bidirectional LSTM under GRU': () =>
    sequential(
      embedding(),
      bidirectional({ layer: lstm({ units: 2, returnSequences: true }) as tf.RNN, mergeMode: 'concat' }),
      gru({ units: 2, activation: 'softsign' }),
      dropout({ rate: 0.5 }),
      dense({ units: 3, activation: 'softmax' }),
    ),
  'Bidirectional, masked': () =>
    sequential(embedding(true), bidirectional({ layer: lstm({ units: 2 }) as tf.RNN, mergeMode: 'ave' }), sigmoid()),
  'dropout between, masked': () =>
    sequential(
      embedding(true),
      dropout({ rate: 0.5 }),
      gru({ units: 2, returnSequences: true }),
      dropout({ rate: 0.5 }),
      lstm({ units: 2 }),
      sigmoid(),
    ),
  'Bidirectional GRU, summed, maximum': () =>
    sequential(
      embedding(),
      bidirectional({ layer: gru({ units: 2, returnSequences: true }) as tf.RNN, mergeMode: 'sum' }),
      globalMaxPooling1d({}),
      dense({ units: 4, activation: 'relu' }),
      sigmoid(),
    ),
  'functional, average, activation apart': () => {
    const input = tf.input({ shape: [5], dtype: 'int32' });
    const x = globalAveragePooling1d({}).apply(
      lstm({ units: 3, returnSequences: true, activation: 'softplus' }).apply(embedding().apply(input)),
    );
    const output = tf.layers.activation({ activation: 'softmax' }).apply(dense({ units: 2 }).apply(x));
    return draw(tf.model({ inputs: input, outputs: output as tf.SymbolicTensor }));
  },
};

describe('models of TensorFlow.js', () => {
  it.each(Object.keys(cases))('%s', async (name) => {
    const model = (cases[name] as () => tf.LayersModel)();
    const outputs = (model.predict(tf.tensor2d(ids, [4, 5], 'int32')) as tf.Tensor2D).arraySync();
    const imported = await importModel(await write(await artifactsOf(model)), { vocabulary: words });
    expect(imported).toMatchObject({ format: 'tfjs', producer: 'TensorFlow.js tfjs-layers v4.22.0', remarks: [] });
    expect(imported.model.preprocessing.maxLength).toBe(5);
    await expectAgreement(imported, { ids, outputs });
  });

  it('that its converter made of one of Keras 2', async () => {
    const { cases } = JSON.parse(readFileSync(new URL('keras2.json', fixtures), 'utf8'));
    const witness = cases.find(({ file }: { file: string }) => file === 'k2_tfjs');
    const imported = await importModel(fileURLToPath(new URL('k2_tfjs', fixtures)), options);
    expect(imported.producer).toBe('Keras 2.21.0, TensorFlow.js Converter v4.22.0');
    await expectAgreement(imported, witness);
  });

  it('with the layers of recurrent-onnx/tfjs', async () => {
    const fast = recurrentLayers(tf as unknown as Parameters<typeof recurrentLayers>[0], { seed: 1 });
    const model = sequential(embedding(), fast.lstm({ units: 3 }), sigmoid());
    const outputs = (model.predict(tf.tensor2d(ids, [4, 5], 'int32')) as tf.Tensor2D).arraySync();
    await expectAgreement(await importModel(await write(await artifactsOf(model)), options), { ids, outputs });
  });

  it('pools masked steps as well, and so is refused', async () => {
    const path = await write(
      await artifactsOf(
        sequential(embedding(true), lstm({ units: 2, returnSequences: true }), globalAveragePooling1d({}), sigmoid()),
      ),
    );
    await expect(importModel(path, options)).rejects.toMatchObject({
      code: 'LAYER_UNSUPPORTED',
      message: expect.stringMatching(/GlobalAveragePooling1D.* pools masked steps too/),
    });
  });
});

describe('quantised weights', () => {
  it.each(['uint8', 'uint16', 'float16'] as const)('%s become what TensorFlow.js makes of them', async (dtype) => {
    const model = sequential(embedding(), lstm({ units: 3 }), sigmoid());
    const { json, weights } = quantise(await artifactsOf(model), dtype);
    const path = await write({ json, weights });
    const [group] = json.weightsManifest as { weights: tf.io.WeightsManifestEntry[] }[];
    const loaded = await tf.loadLayersModel(
      tf.io.fromMemory({
        modelTopology: json.modelTopology as object,
        weightSpecs: group?.weights as tf.io.WeightsManifestEntry[],
        weightData: weights.slice().buffer,
      }),
    );
    const outputs = (loaded.predict(tf.tensor2d(ids, [4, 5], 'int32')) as tf.Tensor2D).arraySync();
    const imported = await importModel(path, options);
    expect(imported.remarks).toEqual([expect.stringContaining(`quantised to ${dtype}`)]);
    await expectAgreement(imported, { ids, outputs });
  });
});

function quantise({ json, weights }: Saved, dtype: 'uint8' | 'uint16' | 'float16'): Saved {
  const [group] = json.weightsManifest as { paths: string[]; weights: tf.io.WeightsManifestEntry[] }[];
  const values = new Float32Array(weights.slice().buffer);
  const [scale, min] = [0.007, -0.9];
  const stored =
    dtype === 'uint8'
      ? Uint8Array.from(values, (value) => Math.round((value - min) / scale))
      : Uint16Array.from(values, (value) => (dtype === 'uint16' ? Math.round((value - min) / scale) : halfOf(value)));
  const quantization =
    dtype === 'float16' ? { dtype, original_dtype: 'float32' } : { dtype, scale, min, original_dtype: 'float32' };
  const entries = group?.weights.map((entry) => ({ ...entry, quantization }));
  return {
    json: { ...json, weightsManifest: [{ paths: group?.paths, weights: entries }] },
    weights: new Uint8Array(stored.buffer),
  };
}

/** Cut off, not rounded: whatever the bits are, both sides must read them alike. */
function halfOf(value: number): number {
  const [bits = 0] = new Uint32Array(Float32Array.of(value).buffer);
  const exponent = ((bits >>> 23) & 0xff) - 112;
  if (exponent <= 0) return (bits >>> 16) & 0x8000;
  return ((bits >>> 16) & 0x8000) | (exponent << 10) | ((bits >>> 13) & 0x3ff);
}

describe('files that nobody vouches for', () => {
  let saved: Saved;
  let text: string;
  beforeAll(async () => {
    saved = await artifactsOf(sequential(embedding(), lstm({ units: 2 }), sigmoid()));
    text = JSON.stringify(saved.json);
  });
  const changed = async (change: (text: string) => string, weights = saved.weights) =>
    importModel(await write({ json: JSON.parse(change(text)), weights }), options);

  it.each([
    ['weights outside its folder', (t: string) => t.replace('./weights.bin', '../../etc/passwd'), /no file beside it/],
    ['weights at the root', (t: string) => t.replace('./weights.bin', '/etc/passwd'), /no file beside it/],
    ['a folder of Windows', (t: string) => t.replace('./weights.bin', '..\\\\x'), /no file beside it/],
    ['no manifest', (t: string) => t.replace('weightsManifest', 'w'), /has no weightsManifest/],
    ['a huge shape', (t: string) => t.replace('"shape":[7,3]', '"shape":[2000000000,2000000000]'), /ends at byte/],
    ['a shape below zero', (t: string) => t.replace('"shape":[7,3]', '"shape":[-7,3]'), /no valid shape/],
    ['another type', (t: string) => t.replace('"dtype":"float32"', '"dtype":"int32"'), /type int32/],
    [
      'a weight of no layer',
      (t: string) => t.replace(/("name":")[^"]*(\/embeddings")/, '$1nowhere$2'),
      /belongs to no layer/,
    ],
    ['a weight by another name', (t: string) => t.replace('/embeddings"', '/vectors"'), /has no weight .*\/embeddings/],
    ['a graph', (t: string) => t.replace('layers-model', 'graph-model'), /graph model/],
  ])('%s', async (_, change, message) => {
    await expect(changed(change)).rejects.toMatchObject({
      code: 'IMPORT_INVALID',
      message: expect.stringMatching(message),
    });
  });

  it('a shape that does not fit its layer', async () => {
    await expect(changed((t) => t.replace('"shape":[7,3]', '"shape":[3,7]'))).rejects.toMatchObject({
      code: 'WEIGHTS_INVALID',
    });
  });

  it('weights that are cut short, or go on', async () => {
    await expect(changed((t) => t, saved.weights.slice(0, -4))).rejects.toMatchObject({ code: 'IMPORT_INVALID' });
    await expect(changed((t) => t, Buffer.concat([saved.weights, Buffer.alloc(4)]))).rejects.toMatchObject({
      code: 'IMPORT_INVALID',
      message: expect.stringContaining('4 bytes of weights that it does not describe'),
    });
  });

  it('a model.json cut short or changed anywhere gives a model or a typed error', async () => {
    const { weights } = saved;
    const path = await write(saved);
    const bytes = Buffer.from(text.replace('weights.bin', path.slice(folder.length + 1).replace('json', 'bin')));
    const at = fc.nat(bytes.length - 1);
    await fc.assert(
      fc.asyncProperty(at, fc.nat(255), fc.boolean(), async (place, value, cut) => {
        const damaged = Buffer.from(cut ? bytes.subarray(0, place) : bytes);
        if (!cut) damaged[place] = value;
        await writeFile(path, damaged);
        await importModel(path, { ...options, format: 'tfjs' }).catch((error) =>
          expect(error).toBeInstanceOf(RecurrentError),
        );
      }),
      { numRuns: 80 },
    );
    expect(weights.length).toBeGreaterThan(0);
  });
});

describe('what a spec cannot say', () => {
  const refused = async (change: (config: Record<string, unknown>) => void, className = 'LSTM') => {
    const { json, weights } = await artifactsOf(sequential(embedding(), lstm({ units: 2 }), sigmoid()));
    const { config } = json.modelTopology as {
      config: { layers: { class_name: string; config: Record<string, unknown> }[] };
    };
    for (const layer of config.layers) if (layer.class_name === className) change(layer.config);
    return importModel(await write({ json, weights }), options);
  };

  it.each([
    ['stateful', { stateful: true }, /lstm_LSTM\d+ \(LSTM\) has stateful=true/],
    ['return_state', { return_state: true }, /has return_state=true/],
    ['an unknown activation', { activation: 'swish' }, /has activation=swish/],
    ['an option that nobody knows', { peephole: true }, /has peephole=true, which a spec cannot say/],
    ['half precision that is quantised', { dtype: 'int8' }, /computes in "int8"/],
    ['units that are none', { units: 'three' }, /has units "three", a number was expected/],
  ])('%s', async (_, change, message) => {
    await expect(refused((config) => Object.assign(config, change))).rejects.toMatchObject({
      code: 'LAYER_UNSUPPORTED',
      message: expect.stringMatching(message),
    });
  });

  it('says that a regulariser is left out', async () => {
    const { remarks } = await refused((config) => Object.assign(config, { kernel_regularizer: { class_name: 'L2' } }));
    expect(remarks).toEqual([expect.stringMatching(/kernel_regularizer matters to training alone/)]);
  });

  it.each([
    [
      'stacked cells',
      () => sequential(embedding(), tf.layers.rnn({ cell: [tf.layers.lstmCell({ units: 2 })] }) as tf.RNN, sigmoid()),
      /\(RNN\) has no counterpart/,
    ],
    [
      'a layer for each step',
      () =>
        sequential(
          embedding(),
          tf.layers.timeDistributed({ layer: dense({ units: 1 }) }),
          tf.layers.flatten(),
          sigmoid(),
        ),
      /\(TimeDistributed\) has no counterpart/,
    ],
    [
      'a model with two outputs',
      () => {
        const input = tf.input({ shape: [5], dtype: 'int32' });
        const x = lstm({ units: 2 }).apply(embedding().apply(input));
        return tf.model({ inputs: input, outputs: [sigmoid().apply(x), sigmoid().apply(x)] as tf.SymbolicTensor[] });
      },
      /no chain of layers: it has 2 outputs/,
    ],
    [
      'a shared layer',
      () => {
        const input = tf.input({ shape: [5], dtype: 'int32' });
        const shared = dense({ units: 3 });
        const x = shared.apply(shared.apply(lstm({ units: 3 }).apply(embedding().apply(input))));
        return tf.model({ inputs: input, outputs: sigmoid().apply(x) as tf.SymbolicTensor });
      },
      /is used 2 times/,
    ],
    [
      'a head that is no classifier',
      () => sequential(embedding(), lstm({ units: 2 }), dense({ units: 2, activation: 'sigmoid' })),
      /has 2 units and activation sigmoid/,
    ],
  ])('%s', async (_, build, message) => {
    await expect(importModel(await write(await artifactsOf(build())), options)).rejects.toMatchObject({
      code: 'LAYER_UNSUPPORTED',
      message: expect.stringMatching(message),
    });
  });
});
