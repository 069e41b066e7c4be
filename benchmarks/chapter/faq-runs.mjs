/**
 * Trains what the questions of the tutorial are answered with, on the real reviews, one run after the other, on one thread
 * of engine wasm, so that other machines repeat it. Each run is written to results/faq.json as soon as it has ended, and
 * none is done twice: the program may be stopped and called again.
 *
 *   npm run build && RECURRENT_IMDB=... node benchmarks/chapter/faq-runs.mjs <question…>
 *
 * The questions are those below, and `time`: epochs with and without dropout, in turns, when nothing else runs.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { evaluate, train } from 'recurrent-onnx';
import { loadDataset } from 'recurrent-onnx/data';

/**
 * @typedef {object} Setting
 * @property {'lstm' | 'gru'} layer
 * @property {number} length time steps
 * @property {'pre' | 'post'} padding
 * @property {boolean} masked
 * @property {number} dropout
 * @property {number} recurrentDropout
 * @property {number} seed
 */

/** The chapter's LSTM. @type {Setting} */
const chapter = { layer: 'lstm', length: 100, padding: 'pre', masked: false, dropout: 0, recurrentDropout: 0, seed: 0 };

/** @param {Partial<Setting>} common @param {number} seeds @returns {Setting[]} */
function paddings(common, seeds) {
  const sides = ['pre', 'post'];
  return Array.from({ length: seeds }, (_, seed) =>
    sides.flatMap((padding) => [false, true].map((masked) => ({ ...chapter, ...common, padding, masked, seed }))),
  ).flat();
}

const questions = {
  'padding-lstm': paddings({ layer: 'lstm' }, 5),
  'padding-gru': paddings({ layer: 'gru' }, 3),
  'padding-long': paddings({ layer: 'lstm', length: 300 }, 3),
  dropout: [0, 1, 2].flatMap((seed) =>
    [0, 0.2].flatMap((dropout) =>
      [0, 0.2].map((recurrentDropout) => ({ ...chapter, dropout, recurrentDropout, seed })),
    ),
  ),
};

const file = fileURLToPath(new URL('results/faq.json', import.meta.url));
const kept = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
const runs = kept.runs ?? [];
let times = kept.times ?? [];
const done = new Set(runs.map(({ setting }) => JSON.stringify(setting)));

const data = await loadDataset('imdb');
write();
for (const question of process.argv.slice(2)) {
  if (question === 'time') {
    times = await timeEpochs();
    write();
    continue;
  }
  const settings = questions[question];
  if (!settings) throw new Error(`no question ${question}: there are ${Object.keys(questions).join(', ')}, time`);
  for (const setting of settings) {
    const key = JSON.stringify(setting);
    if (done.has(key)) continue;
    const run = await measure(setting);
    done.add(key);
    runs.push(run);
    write();
    console.log(key, (100 * run.validationAccuracy).toFixed(2), (100 * run.testAccuracy).toFixed(2), run.epochs);
  }
}

function write() {
  writeFileSync(file, `${JSON.stringify({ padded: [100, 300].map(paddingOf), times, runs }, undefined, 1)}\n`);
}

/** How much of the training reviews padding is, at a length of `length`. @param {number} length */
function paddingOf(length) {
  const lengths = Array.from(data.recipe?.parts.train ?? [], (index) => 1 + (data.examples[index]?.words?.length ?? 0));
  const zeros = lengths.reduce((sum, words) => sum + Math.max(length - words, 0), 0);
  return {
    length,
    paddedReviews: lengths.filter((words) => words < length).length / lengths.length,
    zeros: zeros / (length * lengths.length),
  };
}

/** The quickest of nine epochs of each, in three rounds: what else the machine does only adds. */
async function timeEpochs() {
  const settings = questions.dropout?.filter(({ seed }) => seed === 0) ?? [];
  const quickest = settings.map(() => Number.POSITIVE_INFINITY);
  for (let round = 0; round < 3; round++) {
    for (const [place, setting] of settings.entries()) {
      const { seconds } = await trainWith(setting, 3);
      quickest[place] = Math.min(quickest[place] ?? 0, ...seconds);
    }
  }
  return settings.map(({ dropout, recurrentDropout }, place) => ({
    dropout,
    recurrentDropout,
    seconds: quickest[place] ?? 0,
  }));
}

/** @param {Setting} setting @param {number} epochs at most */
async function trainWith({ layer, length, padding, masked, dropout, recurrentDropout, seed }, epochs) {
  const seconds = [];
  const result = await train({
    data,
    spec: ({ vocabularySize }) => ({
      version: 1,
      name: `faq-${layer}`,
      layers: [
        { type: 'embedding', inputDim: vocabularySize, outputDim: 16, maskZero: masked },
        { type: layer, units: 8, dropout, recurrentDropout },
        { type: 'dense', units: 1, activation: 'sigmoid' },
      ],
    }),
    ...{ vocabularySize: 500, maxLength: length, padding, truncating: 'pre', epochs, patience: 3, seed },
    ...{ engine: 'wasm', threads: 1 },
    onEpoch: (_, more) => seconds.push(more.seconds),
  });
  return { ...result, seconds };
}

/** @param {Setting} setting */
async function measure(setting) {
  const { model, history, bestEpoch, split } = await trainWith(setting, 100);
  const best = history[bestEpoch - 1];
  const held = { ...data, examples: Array.from(split.test, (index) => data.examples[index]) };
  const { accuracy, loss } = await evaluate(model, held, { engine: 'wasm', threads: 1 });
  return {
    setting,
    epochs: history.length,
    bestEpoch,
    validationAccuracy: best?.validationAccuracy ?? Number.NaN,
    validationLoss: best?.validationLoss ?? Number.NaN,
    testAccuracy: accuracy,
    testLoss: loss,
  };
}
