/**
 * A model of TensorFlow.js that keeps its program and changes its LSTM: https://www.npmjs.com/package/@tensorflow/tfjs.
 * It learns to add up the numbers of a sequence. With `@tensorflow/tfjs-node` the program is the same.
 */
import * as tf from '@tensorflow/tfjs';
import { recurrentLayers } from 'recurrent-onnx/tfjs';

tf.enableProdMode();
const { lstm } = recurrentLayers(tf, { seed: 1 });

const build = (makeLstm) => {
  const model = tf.sequential({
    layers: [makeLstm({ units: 16, inputShape: [20, 1] }), tf.layers.dense({ units: 1 })],
  });
  model.compile({ optimizer: tf.train.adam(0.01), loss: 'meanSquaredError' });
  return model;
};

const xs = tf.randomUniform([512, 20, 1], -1, 1, 'float32', 1);
const ys = tf.mean(xs, 1).mul(4);
const model = build(lstm);
const { history } = await model.fit(xs, ys, { epochs: 8, batchSize: 32, verbose: 0 });
console.log(`loss ${history.loss.at(0).toFixed(4)} → ${history.loss.at(-1).toFixed(4)}`);

// What is saved is what TensorFlow.js saves: `tf.loadLayersModel` reads it, with this package and without.
let saved;
await model.save(
  tf.io.withSaveHandler(async (artifacts) => {
    saved = artifacts;
    return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } };
  }),
);
const loaded = await tf.loadLayersModel(tf.io.fromMemory(saved));
const worst = tf.sub(loaded.predict(xs), model.predict(xs)).abs().max().dataSync()[0];
console.log(`saved as ${loaded.layers[0].getClassName()}, loaded: predictions differ by ${worst}`);

/** Milliseconds of one batch. */
const timed = async (one) => {
  const began = performance.now();
  await one.fit(xs.slice(0, 32), ys.slice(0, 32), { batchSize: 32, verbose: 0 });
  return performance.now() - began;
};
const [ours, theirs] = [await timed(model), await timed(build(tf.layers.lstm))];
console.log(
  `a step: ${ours.toFixed(1)} ms; with tf.layers.lstm on the ${tf.getBackend()} backend: ${theirs.toFixed(0)} ms`,
);
