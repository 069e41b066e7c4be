/** `recurrent-onnx/tfjs` inside the models of TensorFlow.js: fit, evaluate, predict, save and load. */
import type { LayersModel, SymbolicTensor } from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import type { LoadedTensorflow, Tensorflow } from '../../../../src/training/engines/tensorflow/backend.ts';
import { type RecurrentLayers, recurrentLayers } from '../../../../src/training/engines/tensorflow/index.ts';
import { largestDifference } from '../../../support/largest-difference.ts';

type Tensor = InstanceType<Tensorflow['Tensor']>;
/** `tf.layers`, or what takes its place. */
type Makers = RecurrentLayers;

const recurrentInitializer = 'glorotUniform';

/** Losses of some updates one after another, each of which carries the roundings of those before it on. */
const tolerance = 1e-4;

export function describeDropInModels(load: () => Promise<LoadedTensorflow>): void {
  describe('recurrent-onnx/tfjs in a model', () => {
    let tf: Tensorflow;
    let originals: Parameters<Tensorflow['serialization']['registerClass']>[0][];

    beforeAll(async () => {
      const loaded = await load();
      loaded.use();
      tf = loaded.tf;
      const own = [
        ...[tf.layers.simpleRNN, tf.layers.lstm, tf.layers.gru].map((make) => make({ units: 1, name: 'own' })),
        tf.layers.embedding({ inputDim: 1, outputDim: 1, name: 'own' }),
      ];
      originals = own.map((layer) => layer.constructor as unknown as (typeof originals)[number]);
    });

    /** With TensorFlow.js' own classes under their names, as if this package were not there. */
    async function originally<T>(use: (makers: Makers) => T): Promise<Awaited<T>> {
      for (const original of originals) tf.serialization.registerClass(original);
      try {
        return await use(tf.layers);
      } finally {
        recurrentLayers(tf);
      }
    }

    const numbers = (seed: number, shape: number[]): Tensor => tf.randomUniform(shape, -1, 1, 'float32', seed);

    const stacked = (makers: Makers): LayersModel =>
      tf.sequential({
        name: 'stacked',
        layers: [
          makers.embedding({ name: 'words', inputDim: 12, outputDim: 4, inputLength: 6, maskZero: true }),
          tf.layers.bidirectional({
            name: 'both',
            layer: makers.lstm({ name: 'one', units: 5, returnSequences: true, recurrentInitializer }) as never,
            mergeMode: 'concat',
          }),
          makers.gru({
            name: 'two',
            units: 4,
            returnSequences: true,
            kernelRegularizer: tf.regularizers.l2({ l2: 0.01 }),
            recurrentActivation: 'sigmoid',
            recurrentInitializer,
          }),
          makers.simpleRNN({
            name: 'three',
            units: 3,
            goBackwards: true,
            kernelConstraint: 'nonNeg',
            recurrentInitializer,
          }),
          tf.layers.dense({ name: 'out', units: 1, activation: 'sigmoid' }),
        ],
      });

    /** What reads is given, state by state, to what writes; one layer stands in two places. */
    function functional(makers: Makers): LayersModel {
      const [words, heard] = [1, 2].map((index) => tf.input({ name: `in${index}`, shape: [5, 3] })) as [
        SymbolicTensor,
        SymbolicTensor,
      ];
      const reader = makers.lstm({ name: 'reader', units: 4, returnState: true, recurrentInitializer });
      const [, h, c] = reader.apply(words) as SymbolicTensor[] as [SymbolicTensor, SymbolicTensor, SymbolicTensor];
      const writer = makers.lstm({
        name: 'writer',
        units: 4,
        returnSequences: true,
        activation: 'tanh',
        recurrentActivation: 'sigmoid',
        recurrentInitializer,
      });
      const written = writer.apply(heard, { initialState: [h, c] }) as SymbolicTensor;
      const shared = makers.gru({ name: 'shared', units: 3, recurrentInitializer });
      const places = [words, heard].map((input) => shared.apply(input) as SymbolicTensor);
      const flat = tf.layers.flatten({ name: 'flat' }).apply(written) as SymbolicTensor;
      const all = tf.layers.concatenate({ name: 'all' }).apply([flat, ...places]) as SymbolicTensor;
      const out = tf.layers.dense({ name: 'out', units: 2 }).apply(all) as SymbolicTensor;
      return tf.model({ name: 'functional', inputs: [words, heard], outputs: out });
    }

    /** Of the same values in every run of the tests. */
    function seeded(model: LayersModel): LayersModel {
      const values = model.getWeights().map((weight, index) => tf.mul(numbers(100 + index, weight.shape), 0.7));
      model.setWeights(values);
      tf.dispose(values);
      return model;
    }

    interface Case {
      readonly build: (makers: Makers) => LayersModel;
      readonly loss: string;
      readonly data: () => { readonly x: Tensor | Tensor[]; readonly y: Tensor };
    }
    const cases: readonly (readonly [string, Case])[] = [
      [
        'sequential, masked and in both directions',
        {
          build: stacked,
          loss: 'binaryCrossentropy',
          data: () => ({
            x: tf.tensor2d(
              Array.from({ length: 13 * 6 }, (_, i) => ((i * 7) % 12) * (i % 5 === 0 ? 0 : 1)),
              [13, 6],
            ),
            y: tf.tensor2d(
              Array.from({ length: 13 }, (_, i) => i % 2),
              [13, 1],
            ),
          }),
        },
      ],
      [
        'functional, with states handed on and a layer in two places',
        {
          build: functional,
          loss: 'meanSquaredError',
          data: () => ({ x: [numbers(1, [13, 5, 3]), numbers(2, [13, 5, 3])], y: numbers(3, [13, 2]) }),
        },
      ],
    ];

    async function saved(model: LayersModel) {
      let artifacts: Parameters<Tensorflow['io']['fromMemory']>[0] | undefined;
      await model.save(
        tf.io.withSaveHandler(async (given) => {
          artifacts = JSON.parse(JSON.stringify(given));
          Object.assign(artifacts as object, { weightData: given.weightData });
          return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } };
        }),
      );
      return artifacts as { modelTopology: object };
    }

    async function fitted(model: LayersModel, { loss, data }: Case) {
      model.compile({ optimizer: tf.train.momentum(0.1, 0.9), loss });
      const { x, y } = data();
      const before = tf.memory().numTensors;
      const { history } = await model.fit(x, y, { epochs: 3, batchSize: 5, shuffle: false, verbose: 0 });
      const evaluated = tf.tidy(() => (model.evaluate(x, y, { batchSize: 4 }) as Tensor).dataSync()[0] as number);
      const predicted = tf.tidy(() => (model.predict(x, { batchSize: 7 }) as Tensor).dataSync().slice());
      expect(tf.memory().numTensors).toBeLessThanOrEqual(before + model.weights.length); // the optimiser's velocities
      tf.dispose([x, y]);
      return { losses: history.loss as number[], evaluated, predicted };
    }

    it.each(cases)('%s: fits, evaluates and predicts as with tf.layers', async (_, one) => {
      const ours = seeded(one.build(recurrentLayers(tf)));
      const theirs = await originally(one.build);
      theirs.setWeights(ours.getWeights());
      const got = await fitted(ours, one);
      const expected = await originally(() => fitted(theirs, one));
      expect(Math.abs((expected.losses[2] as number) - (expected.losses[0] as number))).toBeGreaterThan(10 * tolerance);
      expect(largestDifference(got.losses, expected.losses)).toBeLessThan(tolerance);
      expect(Math.abs(got.evaluated - expected.evaluated)).toBeLessThan(tolerance);
      expect(largestDifference(got.predicted, expected.predicted)).toBeLessThan(tolerance);
      ours.dispose();
      theirs.dispose();
    });

    it.each(cases)('%s: saves what tf.layers would, and either loads it', async (_, { build, data }) => {
      const ours = seeded(build(recurrentLayers(tf)));
      const artifacts = await saved(ours);
      const { x, y } = data();
      const predict = (model: LayersModel) => tf.tidy(() => (model.predict(x) as Tensor).dataSync().slice());
      const before = predict(ours);

      const again = await tf.loadLayersModel(tf.io.fromMemory(artifacts as never));
      expect(again.layers.map((layer) => layer.constructor.name)).toEqual(
        ours.layers.map((layer) => layer.constructor.name),
      );
      // TensorFlow's own operations do not repeat to the last bit on several threads.
      expect(largestDifference(predict(again), before)).toBeLessThan(1e-5);

      await originally(async (makers) => {
        const theirs = build(makers);
        expect((await saved(theirs)).modelTopology).toEqual(artifacts.modelTopology);
        const loaded = await tf.loadLayersModel(tf.io.fromMemory(artifacts as never));
        expect(largestDifference(predict(loaded), before)).toBeLessThan(tolerance);
        theirs.dispose();
        loaded.dispose();
      });
      ours.dispose();
      again.dispose();
      tf.dispose([x, y]);
    });

    it.each(['simpleRNN', 'lstm', 'gru'] as const)('%s, stateful, goes on from batch to batch', async (kind) => {
      const build = (makers: Makers) => {
        const args = { units: 3, stateful: true, batchInputShape: [3, 2, 2], recurrentInitializer };
        const layers = [makers[kind](args as never), tf.layers.dense({ units: 1 })];
        return tf.sequential({ layers });
      };
      const ours = seeded(build(recurrentLayers(tf)));
      const theirs = await originally(build);
      theirs.setWeights(ours.getWeights());
      const inputs = [numbers(4, [3, 2, 2]), numbers(5, [3, 2, 2])];
      const y = numbers(6, [3, 1]);
      const walk = async (model: LayersModel) => {
        const seen: Float32Array[] = [];
        const predict = (x: Tensor) =>
          seen.push(tf.tidy(() => (model.predict(x, { batchSize: 3 }) as Tensor).dataSync<'float32'>().slice()));
        for (const x of inputs) predict(x);
        model.resetStates();
        for (const x of inputs) predict(x);
        model.compile({ optimizer: tf.train.sgd(0.1), loss: 'meanSquaredError' });
        for (const x of inputs) await model.fit(x, y, { batchSize: 3, epochs: 2, shuffle: false, verbose: 0 });
        for (const x of inputs) predict(x);
        return seen;
      };
      const got = await walk(ours);
      const expected = await walk(theirs);
      expect(got[1]).not.toEqual(got[0]);
      expect(got.slice(2, 4)).toEqual(got.slice(0, 2));
      for (const [index, values] of expected.entries()) {
        expect(largestDifference(got[index] as Float32Array, values)).toBeLessThan(tolerance);
      }
      tf.dispose([...inputs, y]);
      ours.dispose();
      theirs.dispose();
    });

    it('repeats with dropout, by its seed', async () => {
      const x = numbers(7, [8, 4, 3]);
      const y = numbers(8, [8, 1]);
      const losses = async (seed: number, weights?: Tensor[]) => {
        const layer = recurrentLayers(tf, { seed }).lstm({
          units: 6,
          dropout: 0.5,
          recurrentDropout: 0.5,
          inputShape: [4, 3],
          recurrentInitializer,
        });
        const model = tf.sequential({ layers: [layer, tf.layers.dense({ units: 1 })] });
        if (weights) model.setWeights(weights);
        const start = model.getWeights().map((weight) => weight.clone());
        model.compile({ optimizer: tf.train.sgd(0.1), loss: 'meanSquaredError' });
        const { history } = await model.fit(x, y, { batchSize: 4, epochs: 2, shuffle: false, verbose: 0 });
        model.dispose();
        return { loss: history.loss, start };
      };
      const { loss, start } = await losses(3);
      expect((await losses(3, start)).loss).toEqual(loss);
      expect((await losses(4, start)).loss).not.toEqual(loss);
      tf.dispose([x, y, ...start]);
    });
  });
}
