/**
 * What the classifier costs above a bare `session.run` of onnxruntime-node: `predictIds` in this process and in a child
 * process, one thread each, and the tokenizing of real mails apart. The contenders' answers are held against each other
 * first; then they take turns, so that what else the machine does falls on all of them. Tensors of the bare session are
 * made beforehand. About a minute.
 *
 *   node benchmarks/runtime/predict-ids.mjs [--seconds 5] [--out benchmarks/runtime/results/predict-ids.json]
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { loadDataset } from 'recurrent-onnx/data';
import { exportOnnx } from 'recurrent-onnx/export';
import {
  createEncoder,
  fitVocabulary,
  initialWeights,
  kerasTokenizer,
  parseSpec,
  planModel,
} from 'recurrent-onnx/models';
import { loadClassifier } from 'recurrent-onnx/runtime';
import { machine, spreadOf } from '../measure.mjs';

const { values: options } = parseArgs({
  options: { seconds: { type: 'string', default: '5' }, out: { type: 'string' } },
});
process.env.ORT_DISABLE_TELEMETRY ??= '1'; // before it is loaded
const { default: ort } = await import('onnxruntime-node');
const seconds = Number(options.seconds);
/** Rounds that are not counted. */
const warmUp = 20;

/** Those of `recurrent bench training`. */
const shapes = {
  A: { time: 100, inputs: 16, units: 8, vocabulary: 500 },
  B: { time: 100, inputs: 128, units: 128, vocabulary: 10_000 },
};

/** @param {typeof shapes.A} shape */
function modelOf({ time, inputs, units, vocabulary }) {
  const spec = parseSpec({
    version: 1,
    name: 'benchmark',
    layers: [
      { type: 'embedding', inputDim: vocabulary, outputDim: inputs },
      { type: 'lstm', units },
      { type: 'dense', units: 1, activation: 'sigmoid' },
    ],
  });
  const preprocessing = {
    tokenizer: kerasTokenizer,
    maxLength: time,
    padding: 'pre',
    truncating: 'pre',
  };
  const words = Array.from({ length: vocabulary - 2 }, (_, index) => `w${index}`);
  return exportOnnx({
    spec,
    weights: initialWeights(planModel(spec), 1),
    preprocessing,
    vocabulary: words,
    labels: ['no', 'yes'],
  });
}

const rows = [];
for (const [name, shape] of Object.entries(shapes)) {
  const file = modelOf(shape);
  const sessionOptions = {
    executionProviders: ['cpu'],
    intraOpNumThreads: 1,
    logSeverityLevel: 4,
  };
  const session = await ort.InferenceSession.create(file, sessionOptions);
  const here = await loadClassifier(file, { providers: 'cpu', threads: 1 });
  const child = await loadClassifier(file, { providers: 'cpu', threads: 1, isolation: 'process' });
  for (const batch of [1, 64]) {
    const ids = Int32Array.from({ length: batch * shape.time }, (_, index) => (index * 7919) % shape.vocabulary);
    const feeds = { ids: new ort.Tensor('int32', ids, [batch, shape.time]) };
    const contenders = {
      'session.run': async () => (await session.run(feeds)).probabilities?.data,
      predictIds: async () => (await here.predictIds(ids, batch, shape.time)).probabilities,
      'predictIds, isolation': async () => (await child.predictIds(ids, batch, shape.time)).probabilities,
    };
    const [expected, ...others] = await Promise.all(Object.values(contenders).map((run) => run()));
    for (const other of others) {
      if (expected?.length !== batch || !expected.every((p, index) => p === other[index])) {
        throw new Error(`the contenders of ${name}, batch ${batch} do not agree`);
      }
    }
    const times = Object.fromEntries(Object.keys(contenders).map((each) => [each, []]));
    const end = performance.now() + 1000 * seconds;
    for (let round = 0; performance.now() < end || round < warmUp + 60; round++) {
      const [first, second, last] = Object.entries(contenders);
      // Whoever comes after the child finds colder caches: the other two take turns at it.
      const order = [...(round % 2 ? [second, first] : [first, second]), last].filter((each) => each !== undefined);
      for (const [each, run] of order) {
        const started = performance.now();
        await run();
        if (round >= warmUp) times[each]?.push(performance.now() - started);
      }
    }
    const bare = spreadOf(times['session.run'] ?? []).median;
    for (const [contender, own] of Object.entries(times)) {
      const spread = spreadOf(own);
      const row = {
        shape: name,
        batch,
        contender,
        runs: own.length,
        ...spread,
        aboveUs: 1000 * (spread.median - bare),
      };
      rows.push(row);
      const above =
        contender === 'session.run'
          ? ''
          : `${row.aboveUs.toFixed(1)} µs, ${((100 * (spread.median - bare)) / bare).toFixed(1)} %`;
      console.log(
        `| ${name} | ${batch} | \`${contender}\` | ${spread.median.toFixed(3)} | ${spread.p10.toFixed(3)}–${spread.p90.toFixed(3)} | ${above} |`,
      );
    }
  }
  await Promise.all([session.release(), here.dispose(), child.dispose()]);
}

/** What predictIds may cost above the bare call, and what it does. */
const here = rows.filter(({ contender }) => contender === 'predictIds');
const bounds = {
  batch64Percent: {
    atMost: 10,
    found: worst(64, ({ aboveUs, median }) => (100 * aboveUs) / (1000 * median - aboveUs)),
  },
  batch1Us: { atMost: 25, found: worst(1, ({ aboveUs }) => aboveUs) },
};
console.log(
  `above session.run at worst: ${bounds.batch64Percent.found.toFixed(1)} % at batch 64 (bound 10), ${bounds.batch1Us.found.toFixed(1)} µs at batch 1 (bound 25)`,
);

/** @param {number} size @param {(row: typeof rows[number]) => number} of */
function worst(size, of) {
  return Math.max(...here.filter(({ batch }) => batch === size).map(of));
}

const { examples } = await loadDataset('spam');
const texts = examples.slice(0, 1000).map(({ text }) => text);
const encoder = createEncoder({
  preprocessing: { tokenizer: kerasTokenizer, maxLength: 100, padding: 'pre', truncating: 'pre' },
  vocabulary: fitVocabulary(texts, kerasTokenizer, { limit: 10_000 }),
  vocabularySize: 10_002,
});
const perText = [];
const perWord = [];
for (const text of [...texts.slice(0, 200), ...texts]) {
  const started = performance.now();
  const { words } = encoder.encodeAll([text]);
  const took = 1000 * (performance.now() - started);
  perText.push(took);
  perWord.push(took / Math.max(1, words));
}
const tokenizing = { perTextUs: spreadOf(perText.slice(200)), perWordUs: spreadOf(perWord.slice(200)) };
console.log(
  `tokenizing a mail: ${tokenizing.perTextUs.median.toFixed(1)} µs (${tokenizing.perTextUs.p10.toFixed(1)}–${tokenizing.perTextUs.p90.toFixed(1)}), ${tokenizing.perWordUs.median.toFixed(2)} µs a word`,
);

console.log(machine);
if (options.out) mkdirSync(dirname(options.out), { recursive: true });
if (options.out) writeFileSync(options.out, `${JSON.stringify({ machine, bounds, rows, tokenizing }, null, 2)}\n`);
