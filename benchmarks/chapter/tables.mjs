/**
 * Writes the tables of docs/chapter.md from results/. Given folders of `recurrent chapter`, it takes the figures from there
 * first: of all models over five seeds, of all models with one seed while nothing else ran, and of one model.
 *
 *   recurrent chapter --engine wasm --threads 1           five seeds, on one thread, so that other machines repeat them
 *   recurrent chapter --quick --out runs/quick
 *   recurrent chapter --quick --models simple-rnn-onehot --out runs/onehot
 *   recurrent chapter --engine wasm --threads 1 --models simple-rnn-embedding,simple-rnn-pytorch,lstm-dropout --seeds 25 --out runs/more
 *   node benchmarks/chapter/tables.mjs [runs/chapter runs/quick runs/onehot runs/more]
 *
 * parity.json is of parity.mjs, keras.json of keras_runs.py.
 */
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'csv-parse/sync';
import { deviation, mean } from 'd3-array';
import { markdownTable, writeSections } from '../pages.mjs';

/** @param {string} path */
const fileOf = (path) => fileURLToPath(new URL(path, import.meta.url));
const [whole, quick, onehot, more] = process.argv.slice(2);
if (whole && quick && onehot && more) {
  for (const name of ['models.csv', 'runs.csv', 'epochs.csv'])
    copyFileSync(join(whole, name), fileOf(`results/${name}`));
  copyFileSync(join(more, 'epochs.csv'), fileOf('results/more-epochs.csv'));
  copyFileSync(join(quick, 'runs.csv'), fileOf('results/quick.csv'));
  const costs = [quick, onehot].map((folder) => {
    const { host, seconds, peakMemoryBytes, runs } = JSON.parse(readFileSync(join(folder, 'results.json'), 'utf8'));
    return { host, models: runs.length, seconds, peakMemoryBytes };
  });
  writeFileSync(fileOf('results/quick.json'), `${JSON.stringify(costs, undefined, 1)}\n`);
}

/** @typedef {Record<string, string>} Row */
/** @param {string} name @returns {Row[]} */
const read = (name) => parse(readFileSync(fileOf(`results/${name}`)), { columns: true });
const [models, runs, times] = [read('models.csv'), read('runs.csv'), read('quick.csv')];
const [all, one] = JSON.parse(readFileSync(fileOf('results/quick.json'), 'utf8'));
const parity = JSON.parse(readFileSync(fileOf('results/parity.json'), 'utf8'));
const keras = JSON.parse(readFileSync(fileOf('results/keras.json'), 'utf8'));

const small = (value) => Number(value).toExponential(1).replace('-', '−');
const count = (value) => Number(value).toLocaleString('en');

/** Mean ± deviation of ours, and the authors' with their distance from our mean in such deviations. @param {Row} row @param {string} name */
function beside(row, name, digits = 4) {
  const [mean, deviation, theirs] = [
    `${name}Mean`,
    `${name}Deviation`,
    `authors${name[0]?.toUpperCase()}${name.slice(1)}`,
  ].map((column) => (row[column] ? Number(row[column]) : undefined));
  const ours = `${mean?.toFixed(digits)} ± ${deviation?.toFixed(digits)}`;
  if (theirs === undefined || mean === undefined || !deviation) return [ours, '—'];
  const distance = ((theirs - mean) / deviation).toFixed(1).replace('-', '−');
  return [ours, `${digits < 4 ? theirs : theirs.toFixed(digits)} (${distance} σ)`];
}

/** Texts that fail. @param {{ ids: string[] }[]} failing */
const over = (failing) => new Set(failing.flatMap(({ ids }) => ids)).size;

/** @typedef {{ loss: number, accuracy: number }} Validated */
/** Validation after each epoch, a list a run. @type {(model: string) => Validated[][]} */
function moreRuns(model) {
  const runs = new Map();
  for (const row of read('more-epochs.csv')) {
    if (row.model !== model) continue;
    const epoch = { loss: Number(row.validationLoss), accuracy: Number(row.validationAccuracy) };
    runs.set(row.seed, [...(runs.get(row.seed) ?? []), epoch]);
  }
  return [...runs.values()];
}

const kerasRuns = (model, gradient) =>
  keras.runs
    .filter((run) => run.model === model && run.gradient === gradient)
    .map(({ val_loss, val_accuracy }) => val_loss.map((loss, at) => ({ loss, accuracy: val_accuracy[at] })));

/** @param {Validated[]} run */
const bestOf = (run) => run.reduce((best, epoch) => (epoch.loss < best.loss ? epoch : best));
/** @param {Validated[]} run */
const lastButOne = (run) => run.at(-2) ?? bestOf(run);

/** Means and deviations over `runs`, and the authors' distance from them. @type {(model: string, what: string, runs: Validated[]) => string[]} */
function cause(model, what, runs) {
  const theirs = models.find((row) => row.model === model) ?? {};
  const figures = [
    ['loss', theirs.authorsValidationLoss],
    ['accuracy', theirs.authorsValidationAccuracy],
  ].flatMap(([figure, authors]) => {
    const values = runs.map((run) => run[figure]);
    const [centre, spread] = [mean(values) ?? 0, deviation(values) ?? 0];
    const distance = ((Number(authors) - centre) / spread).toFixed(1).replace('-', '−');
    return [`${centre.toFixed(4)} ± ${spread.toFixed(4)}`, `${Number(authors).toFixed(4)} (${distance} σ)`];
  });
  return [`\`${model}\``, what, String(runs.length), ...figures];
}

const [embedding, pytorch, dropout] = ['simple-rnn-embedding', 'simple-rnn-pytorch', 'lstm-dropout'];
const kerasName = `Keras ${keras.keras} on TensorFlow`;
const onTensor = `${kerasName}, the gradient of the embedding as one tensor`;

/** @param {{ seconds: number, peakMemoryBytes: number }} cost */
const costOf = ({ seconds, peakMemoryBytes }) =>
  `${seconds.toFixed(0)} s and at most ${(peakMemoryBytes / 1e6).toFixed(0)} MB of memory`;

const tables = {
  validation: markdownTable([
    ['model', 'epochs', 'authors', 'validation loss', 'authors', 'validation accuracy', 'authors'],
    ...models.map((row) => [
      `\`${row.model}\``,
      ...beside(row, 'epochs', 1),
      ...beside(row, 'validationLoss'),
      ...beside(row, 'validationAccuracy'),
    ]),
  ]),
  test: markdownTable([
    ['model', 'test loss', 'authors', 'test accuracy', 'authors', 'ONNX test accuracy, seed 0'],
    ...models.map((row) => {
      const first = runs.find(({ model, seed }) => model === row.model && seed === '0');
      return [
        `\`${row.model}\``,
        ...beside(row, 'testLoss'),
        ...beside(row, 'testAccuracy'),
        Number(first?.onnxTestAccuracy).toFixed(4),
      ];
    }),
  ]),
  causes: markdownTable(
    [
      ['model', 'runs', 'seeds', 'validation loss', 'authors', 'validation accuracy', 'authors'],
      cause(embedding, 'here, best epoch', moreRuns(embedding).map(bestOf)),
      cause(embedding, 'here, last epoch but one', moreRuns(embedding).map(lastButOne)),
      cause(embedding, `${kerasName}, best epoch`, kerasRuns(embedding, 'slices').map(bestOf)),
      cause(embedding, `${kerasName}, last epoch but one`, kerasRuns(embedding, 'slices').map(lastButOne)),
      cause(pytorch, 'here, best epoch', moreRuns(pytorch).map(bestOf)),
      cause(dropout, 'here, best epoch', moreRuns(dropout).map(bestOf)),
      cause(dropout, `${kerasName}, best epoch`, kerasRuns(dropout, 'slices').map(bestOf)),
      cause(dropout, `${onTensor}, best epoch`, kerasRuns(dropout, 'dense').map(bestOf)),
    ].filter(({ 2: seeds }) => seeds !== '0'),
  ),
  time: markdownTable([
    [
      'model',
      'epochs',
      'ms a step',
      'authors',
      'training',
      'authors',
      'test part',
      'export and test part, ONNX',
      'parity, 2,000 texts',
    ],
    ...times.map((row) => {
      const theirs = models.find(({ model }) => model === row.model) ?? {};
      const seconds = (value) => (value ? `${Number(value).toFixed(1)} s` : '—');
      return [
        `\`${row.model}\``,
        row.epochs,
        ((1000 * Number(row.medianEpochSeconds)) / Number(row.stepsPerEpoch)).toFixed(2),
        theirs.authorsFastestStepMs ? `${theirs.authorsFastestStepMs}–${theirs.authorsSlowestStepMs}` : '—',
        seconds(row.trainingSeconds),
        seconds(theirs.authorsTrainingSeconds),
        ...[row.evaluationSeconds, row.onnxSeconds, row.paritySeconds].map(seconds),
      ];
    }),
  ]),
  cost: `${all.host.cpu}, ${all.host.cores} cores, Node ${all.host.node}: ${costOf(all)} for all ${all.models} models with \`--quick\`; ${costOf(one)} for \`simple-rnn-onehot\` alone.`,
  parity: markdownTable([
    ['model', 'texts', 'flips', 'ties', 'sensitive', 'over', 'smallest margin', '`js`', '`wasm`', '`onnxruntime`'],
    ...Object.entries(parity).map(([name, { texts, flips, ties, sensitive, failing, smallestMargin, runners }]) => [
      `\`${name}\``,
      ...[count(texts), flips, ties, sensitive.length, over(failing), small(smallestMargin)],
      ...runners.slice(1).map((runner) => small(runner.maxAbsError)),
    ]),
  ]),
};

writeSections(
  'chapter.md',
  Object.fromEntries(Object.entries(tables).map(([name, content]) => [`table:${name}`, content])),
);
