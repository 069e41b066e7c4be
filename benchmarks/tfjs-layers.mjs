/**
 * Times the recurrent layers of TensorFlow.js beside those of `recurrent-onnx/tfjs`: a gradient of the layer, forward
 * and back, inputs and weights, on the `tensorflow` backend, where its binding is, and on `cpu`. Both compute the same
 * gradients from the same weights first; then they are timed in turn, and the median counts. A Markdown table.
 *
 *   npm run build && node benchmarks/tfjs-layers.mjs [--shapes A,text,addition] [--backends tensorflow,cpu] [--seconds 1]
 */
import { createRequire } from 'node:module';
import { parseArgs } from 'node:util';
import { recurrentLayers } from 'recurrent-onnx/tfjs';
import { median } from './measure.mjs';

const { values: options } = parseArgs({
  options: {
    shapes: { type: 'string', default: 'A,text,addition' },
    backends: { type: 'string', default: 'tensorflow,cpu' },
    seconds: { type: 'string', default: '1' },
  },
});
const longest = 1000 * Number(options.seconds);

/** batch, time, features, units: A of the other benchmarks, and the layers of two examples of TensorFlow.js. */
const shapes = {
  A: [64, 100, 16, 8],
  B: [64, 100, 128, 128],
  text: [128, 60, 90, 128],
  addition: [128, 7, 12, 128],
};
const layers = [
  { kind: 'lstm', args: {}, title: 'lstm' },
  { kind: 'lstm', args: { recurrentActivation: 'sigmoid' }, title: 'lstm, sigmoid gates' },
  { kind: 'gru', args: {}, title: 'gru' },
  { kind: 'simpleRNN', args: {}, title: 'simpleRNN' },
];

const tf = loadTensorflow();
tf.enableProdMode();
const fast = recurrentLayers(tf, { fallback: 'refuse' });

console.log('| backend | shape | layer | tf.layers, ms | recurrent-onnx/tfjs, ms | times |');
console.log('|---|---|---|---|---|---|');
for (const backend of options.backends.split(',')) {
  if (!(await tf.setBackend(backend).catch(() => false))) {
    console.error(`${backend} is left out: node tools/build-tfjs-node.mjs brings it`);
    continue;
  }
  for (const name of options.shapes.split(',')) {
    for (const layer of layers) {
      const [theirs, ours] = compare(shapes[name], layer);
      const cells = [backend, name, layer.title, show(theirs), show(ours), (theirs / ours).toPrecision(2)];
      console.log(`| ${cells.join(' | ')} |`);
    }
  }
}

/** Median milliseconds of each. */
function compare([batch, time, features, units], { kind, args }) {
  const x = tf.variable(tf.randomNormal([batch, time, features], 0, 1, 'float32', 1));
  const made = [tf.layers, fast].map((makers) =>
    makers[kind]({ units, recurrentInitializer: 'glorotNormal', ...args }),
  );
  for (const layer of made) layer.apply(x);
  made[1].setWeights(made[0].getWeights());
  const gradientOf = (layer) => {
    const began = performance.now();
    const gradients = tf.tidy(() => {
      const variables = [x, ...layer.trainableWeights.map((weight) => weight.read())];
      const { grads } = tf.variableGrads(() => tf.sum(tf.square(layer.apply(x, { training: true }))), variables);
      return variables.map(({ name }) => grads[name]);
    });
    for (const gradient of gradients) gradient.dataSync();
    return { ms: performance.now() - began, gradients };
  };
  const [expected, got] = made.map((layer) => gradientOf(layer).gradients);
  for (const [index, gradient] of expected.entries()) {
    const largest = tf.max(tf.abs(gradient)).dataSync()[0];
    const difference = tf.max(tf.abs(tf.sub(gradient, got[index]))).dataSync()[0];
    if (!(difference < 1e-4 * Math.max(1, largest))) throw new Error(`gradient ${index} differs by ${difference}`);
  }
  const times = made.map(() => []);
  const began = performance.now();
  do {
    for (const [index, layer] of made.entries()) {
      // the faster one gets as long as the slower one
      const until = performance.now() + Math.min(longest / 4, times[0].at(-1) ?? 0);
      do {
        const { ms, gradients } = gradientOf(layer);
        tf.dispose(gradients);
        times[index].push(ms);
      } while (index === 1 && performance.now() < until);
    }
  } while (performance.now() - began < longest);
  tf.dispose([x, ...expected, ...got]);
  for (const layer of made) tf.dispose(layer.weights.map((weight) => weight.read()));
  return times.map(median);
}

function show(ms) {
  return ms < 100 ? ms.toPrecision(3) : String(Math.round(ms));
}

/** With the native library where it is. */
function loadTensorflow() {
  const require = createRequire(import.meta.url);
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
  for (const name of ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node']) {
    try {
      return require(name);
    } catch {
      // the next one
    }
  }
  return require('@tensorflow/tfjs');
}
