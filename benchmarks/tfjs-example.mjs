/**
 * A public example of TensorFlow.js before and after: `lstm-text-generation` of https://github.com/tensorflow/tfjs-examples
 * trains with its own code, once as it is and once with `tf.layers.lstm(` replaced by `lstm(` of `recurrent-onnx/tfjs`.
 * Each runs in a process of its own, from the same weights, texts and order; losses are compared, then times are told.
 * The example's code is read from where it was cloned to, and is no part of this repository.
 *
 *   git clone --depth 1 https://github.com/tensorflow/tfjs-examples
 *   npm run build && node benchmarks/tfjs-example.mjs tfjs-examples/lstm-text-generation --data <source>
 *
 * The text is the first 250,000 characters of the data source, see docs/data.md. [--backends tensorflow,cpu]
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { loadDataset } from 'recurrent-onnx/data';

const { positionals, values: options } = parseArgs({
  allowPositionals: true,
  options: {
    data: { type: 'string', default: 'imdb' },
    backends: { type: 'string', default: 'tensorflow,cpu' },
    run: { type: 'string' },
  },
});

/** The example's default layer and batches; fewer examples an epoch, and fewer still where a step takes seconds. */
const [units, sampleLength, sampleStep, batchSize, learningRate, validationSplit] = [128, 60, 3, 128, 0.01, 0.0625];
const epochs = { tensorflow: { count: 4, examples: 1280 }, cpu: { count: 2, examples: 256 } };
const characters = 250_000;

if (options.run === undefined) await compare(positionals[0] ?? '');
else await train(JSON.parse(options.run));

/** @param {string} example folder of the example */
async function compare(example) {
  const cache = fileURLToPath(new URL('../.cache/', import.meta.url)); // below the project, so that packages are found
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, 'tfjs-example-'));
  try {
    const model = readFileSync(join(example, 'model.js'), 'utf8');
    const replaced = model.replaceAll('tf.layers.lstm(', 'lstm(');
    if (replaced === model) throw new Error(`${example}/model.js has no tf.layers.lstm(`);
    const fast = "import { recurrentLayers } from 'recurrent-onnx/tfjs';\nconst { lstm } = recurrentLayers(tf);\n";
    writeFileSync(join(folder, 'before.js'), model);
    writeFileSync(join(folder, 'after.js'), replaced.replace(/^import \* as tf .*\n/m, `$&${fast}`));
    writeFileSync(join(folder, 'data.js'), readFileSync(join(example, 'data.js')));
    writeFileSync(join(folder, 'text.txt'), await readText(options.data));

    console.log(
      '| backend | examples an epoch | seconds an epoch with tf.layers.lstm | with recurrent-onnx/tfjs | times | losses, first and last | largest difference of a loss |',
    );
    console.log('|---|---|---|---|---|---|---|');
    for (const backend of options.backends.split(',')) {
      const [before, after] = ['before', 'after'].map((which) => runApart({ folder, which, backend }));
      const differences = before.losses.map((loss, index) => Math.abs(loss - after.losses[index]));
      const [theirs, ours] = [before, after].map(({ seconds }) => seconds.at(-1));
      const { count, examples } = epochs[backend];
      const ends = [before.losses[0], before.losses.at(-2)].map((loss) => loss.toFixed(2));
      const cells = [
        ...[backend, `${examples}, ${count} epochs`, theirs.toPrecision(3), ours.toPrecision(3)],
        ...[(theirs / ours).toPrecision(2), ends.join(' to '), Math.max(...differences).toExponential(1)],
      ];
      console.log(`| ${cells.join(' | ')} |`);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function readText(source) {
  const { examples } = await loadDataset(source);
  let text = '';
  for (const example of examples) {
    text += `${example.text} `;
    if (text.length >= characters) break;
  }
  return text.slice(0, characters);
}

function runApart(what) {
  const args = [fileURLToPath(import.meta.url), '--run', JSON.stringify(what)];
  const stdout = execFileSync(process.execPath, args, {
    encoding: 'utf8',
    env: { TF_CPP_MIN_LOG_LEVEL: '2', ...process.env },
  });
  return JSON.parse(stdout.trim().split('\n').at(-1));
}

/** In a process of its own: what was drawn before must not matter, nor what was registered. */
async function train({ folder, which, backend }) {
  let state = 0;
  const seed = (value) => {
    state = value;
  };
  Math.random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  if (backend === 'tensorflow') loadNative();
  const tf = await import('@tensorflow/tfjs');
  tf.enableProdMode();
  await tf.setBackend(backend);
  const part = (name) => import(pathToFileURL(join(folder, name)).href);
  const { createModel, compileModel, fitModel } = await part(`${which}.js`);
  const { TextData } = await part('data.js');
  seed(1); // order of the texts
  const data = new TextData('text', readFileSync(join(folder, 'text.txt'), 'utf8'), sampleLength, sampleStep);
  seed(2); // weights
  const model = createModel(sampleLength, data.charSetSize(), [units]);
  compileModel(model, learningRate);
  const losses = [];
  const seconds = [];
  const onEpochEnd = (_, { loss, val_loss }) => losses.push(loss, val_loss);
  const { count, examples } = epochs[backend];
  for (let epoch = 0; epoch < count; epoch++) {
    seed(3 + epoch);
    const began = performance.now();
    await fitModel(model, data, 1, examples, batchSize, validationSplit, { onEpochEnd });
    seconds.push((performance.now() - began) / 1000);
  }
  console.log(JSON.stringify({ losses, seconds }));
}

function loadNative() {
  const require = createRequire(import.meta.url);
  const names = ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'];
  for (const name of names) {
    try {
      return require(name);
    } catch {
      // the next one
    }
  }
  throw new Error(`none of ${names.join(', ')} has its native binding: node tools/build-tfjs-node.mjs builds it`);
}
