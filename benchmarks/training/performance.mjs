/**
 * Measures what docs/performance.md states, and writes it there: the tables and charts between its marks. Each part is
 * a run of the command line, whose object is kept in results/; parts that are not named keep their last figures.
 *
 *   node benchmarks/training/performance.mjs [part…]      none: only write; all: measure every part
 *
 * Run it on a machine that has nothing else to do. RECURRENT_PYTHON and RECURRENT_IMDB as for `recurrent bench`.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { markdownTable, writeSections } from '../pages.mjs';
import { bundleSources } from '../sources.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const results = join(root, 'benchmarks/training/results');

/** Named, as TensorFlow.js on `cpu`, which takes seconds for a step, is timed only then. */
const everybody = 'wasm,onnxruntime,tensorflow,js,tfjs-cpu,tfjs-node,pytorch,keras,keras-xla';

const parts = {
  'a-lstm': ['training', '--shapes', 'A', '--layers', 'lstm', '--contenders', everybody],
  'a-gru': ['training', '--shapes', 'A', '--layers', 'gru'],
  'a-rnn': ['training', '--shapes', 'A', '--layers', 'simpleRnn'],
  'b-lstm': ['training', '--shapes', 'B', '--layers', 'lstm'],
  'b-gru': ['training', '--shapes', 'B', '--layers', 'gru'],
  'b-rnn': ['training', '--shapes', 'B', '--layers', 'simpleRnn'],
  'c-lstm': ['training', '--shapes', 'C', '--layers', 'lstm'],
  'c-gru': ['training', '--shapes', 'C', '--layers', 'gru'],
  'c-rnn': ['training', '--shapes', 'C', '--layers', 'simpleRnn'],
  spam: ['training', '--shapes', 'spam', '--ids', 'real'],
  chapter: ['training', '--shapes', 'chapter', '--ids', 'real', '--seconds', '1'],
  curves: ['curves', '--seconds', '0.5'],
  epoch: ['epoch'],
};
/** On its own, as it needs another Node than the rest: one without relaxed SIMD, which came with Node 22. */
const plain = { 'a-plain': ['training', '--shapes', 'A', '--contenders', 'wasm,pytorch,keras'] };

const asked = process.argv.slice(2);
for (const part of asked.includes('all') ? Object.keys(parts) : asked) {
  const args = { ...parts, ...plain }[part];
  if (!args) throw new Error(`no part ${part}: there are ${Object.keys({ ...parts, ...plain }).join(', ')}, all`);
  console.log(`${part}: recurrent bench ${args.join(' ')}`);
  execFileSync(process.execPath, ['tools/build.mjs'], { cwd: root, stdio: 'inherit' });
  const output = execFileSync(process.execPath, ['dist/cli/main.js', 'bench', ...args, '--json'], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
  });
  if (part in plain && !JSON.parse(output).machine.versions.wasm.includes('plain')) {
    throw new Error(`${part} is for a Node without relaxed SIMD, and this is ${process.version}`);
  }
  writeFileSync(join(results, `${part}.json`), output);
}

/** @param {string} part */
function resultOf(part) {
  const file = join(results, `${part}.json`);
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
}

const runs = Object.keys(parts).flatMap((part) => resultOf(part) ?? []);
if (runs.length === 0) throw new Error('nothing was measured yet: name a part, or all');
const rows = runs.flatMap((run) => (run.rows?.[0]?.shape ? run.rows : []));
const machine = runs[0].machine;

/** @param {number} ms */
const format = (ms) => (ms >= 100 ? Math.round(ms).toLocaleString('en-US') : ms.toPrecision(3));
/** @param {{ contender: string, threads: number }} row */
const nameOf = ({ contender, threads }) => `${contender}, ${threads}`;

/** @param {any[]} chosen one line a contender, one column a problem */
function table(chosen) {
  if (chosen.length === 0) return 'Not measured yet.';
  const columns = [...new Set(chosen.map(({ shape, layer }) => (shape.length === 1 ? `${layer} ${shape}` : shape)))];
  const lines = [...new Set(chosen.map(nameOf))];
  const cellOf = (line, column) => {
    const row = chosen.find(
      (one) => nameOf(one) === line && (one.shape.length === 1 ? `${one.layer} ${one.shape}` : one.shape) === column,
    );
    return row ? `${format(row.medianMs)} <sub>${format(row.p10Ms)}–${format(row.p90Ms)}</sub>` : '–';
  };
  return markdownTable([
    ['contender, threads', ...columns],
    ...lines.map((line) => [line, ...columns.map((column) => cellOf(line, column))]),
  ]);
}

/** @param {string} shape @param {string} layer @param {string} contender @param {number} [threads] fewest milliseconds */
function best(shape, layer, contender, threads) {
  const found = rows.filter(
    (row) =>
      row.shape === shape &&
      row.layer === layer &&
      row.contender === contender &&
      row.ids !== 'uniform' &&
      (threads === undefined || row.threads === threads),
  );
  return found.length ? Math.min(...found.map(({ medianMs }) => medianMs)) : undefined;
}
/** On a Node without relaxed SIMD. */
function withoutRelaxed() {
  const run = resultOf('a-plain');
  if (!run) return 'Not measured yet.';
  const real = run.rows.filter((row) => row.ids !== 'uniform');
  return `Node ${run.machine.node}:\n\n${table(real)}`;
}

/** Its second core taken away where that helps. @param {number} threads @param {string} shape @param {string} layer @param {string} contender */
function bestOfUpTo(threads, shape, layer, contender) {
  const times = Array.from({ length: threads }, (_, at) => best(shape, layer, contender, at + 1) ?? Infinity);
  const shortest = Math.min(...times);
  return Number.isFinite(shortest) ? shortest : undefined;
}
/** @param {string} shape @param {string} layer @param {number} [threads] */
function ours(shape, layer, threads) {
  const times = ['wasm', 'onnxruntime'].flatMap((name) => best(shape, layer, name, threads) ?? []);
  return times.length ? Math.min(...times) : undefined;
}

function targets() {
  const lines = [['target', 'reached', '']];
  const add = (what, value, text, met) =>
    lines.push(value === undefined ? [what, 'not measured', ''] : [what, text, met ? 'met' : '**missed**']);
  const a = ours('A', 'lstm');
  add('A, LSTM: ≤ 1.0 ms a step', a, `${format(a ?? 0)} ms`, (a ?? 0) <= 1);
  for (const [peer, factor] of [
    ['pytorch', 2.5],
    ['tfjs-node', 250],
    ['tfjs-cpu', 5000],
  ]) {
    const other = best('A', 'lstm', peer);
    const ratio = a && other ? other / a : undefined;
    add(`A, LSTM: ≥ ${factor} × ${peer}`, ratio, `${format(ratio ?? 0)} ×`, (ratio ?? 0) >= factor);
  }
  const fits = resultOf('keras-fit')?.rows ?? [];
  const fit = fits.length ? Math.min(...fits.map((row) => row.medianMs)) : undefined;
  const kerasSteps = [
    ['a step inside its `fit()` (a run of its own, uniform ids)', a, fit],
    ['its compiled train step alone', a, best('A', 'lstm', 'keras')],
    ['the same, threads 2', ours('A', 'lstm', 2), best('A', 'lstm', 'keras', 2)],
  ];
  for (const [which, own, other] of kerasSteps) {
    const ratio = own && other ? other / own : undefined;
    add(`A, LSTM: ≥ 20 × keras, ${which}`, ratio, `${format(ratio ?? 0)} ×`, (ratio ?? 0) >= 20);
  }
  for (const layer of ['gru', 'simpleRnn']) {
    const [own, other] = [ours('A', layer), best('A', layer, 'pytorch')];
    const ratio = own && other ? other / own : undefined;
    add(`A, ${layer}: ≥ 5 × pytorch`, ratio, `${format(ratio ?? 0)} ×`, (ratio ?? 0) >= 5);
  }
  for (const shape of ['B', 'C']) {
    for (const [layer, factor] of [
      ['lstm', 1.3],
      ['gru', 1.3],
      ['simpleRnn', 1],
    ]) {
      for (const threads of [1, 2]) {
        const own = ours(shape, layer, threads);
        const other = bestOfUpTo(threads, shape, layer, 'pytorch');
        const ratio = own && other ? other / own : undefined;
        const what = factor === 1 ? 'ahead of' : `≥ ${factor} ×`;
        add(
          `${shape}, ${layer}, threads ${threads}: ${what} pytorch`,
          ratio,
          `${(ratio ?? 0).toFixed(2)} ×`,
          (ratio ?? 0) >= factor,
        );
      }
    }
  }
  for (const [shape, most] of [
    ['A', 6],
    ['B', 130],
  ]) {
    const own = best(shape, 'lstm', 'tensorflow');
    add(`${shape}, LSTM on engine tensorflow: < ${most} ms`, own, `${format(own ?? 0)} ms`, (own ?? 0) < most);
  }
  const epochs = resultOf('epoch')?.rows ?? [];
  const epoch = epochs.length ? Math.min(...epochs.map((row) => row.medianMs)) : undefined;
  add(
    'an epoch of the IMDB LSTM with validation: < 0.6 s',
    epoch,
    `${((epoch ?? 0) / 1000).toFixed(2)} s`,
    (epoch ?? 0) < 600,
  );
  return markdownTable(lines);
}

/** Of all runs: others on the machine only ever take away. */
const nativePeak = Math.max(...runs.map((run) => run.machine.peak.native));

function peak() {
  const lines = [['', 'contender, threads', 'GFLOP/s', 'of the native peak']];
  for (const shape of ['B', 'C']) {
    for (const layer of ['lstm', 'gru', 'simpleRnn']) {
      for (const row of rows.filter((one) => one.shape === shape && one.layer === layer && one.ids !== 'uniform')) {
        if (!['wasm', 'onnxruntime', 'pytorch'].includes(row.contender)) continue;
        const speed = recurrentFlops(shape, layer) / row.medianMs / 1e6;
        const share = speed / (nativePeak * row.threads);
        lines.push([`${shape} ${layer}`, nameOf(row), speed.toFixed(1), `${(100 * share).toFixed(0)} %`]);
      }
    }
  }
  return markdownTable(lines);
}

/** The products with the recurrent kernel alone: what no batch can save. @param {string} shape @param {string} layer */
function recurrentFlops(shape, layer) {
  const [time, units] = shape === 'B' ? [100, 128] : [128, 256];
  const gates = { lstm: 4, gru: 3, simpleRnn: 1 }[layer] ?? 0;
  return 6 * 64 * time * units * units * gates;
}

/** A line for each part of a step, a column for each shape: what it took at first, and what it takes now. */
function profiles() {
  const now = resultOf('profile-now')?.profiles ?? [];
  const before = [
    ...(resultOf('profile-before-wasm')?.profiles ?? []),
    ...(resultOf('profile-before-onnxruntime')?.profiles ?? []),
  ];
  const shapes = ['A', 'B', 'C'];
  return ['wasm', 'onnxruntime']
    .map((engine) => {
      const of = (from, shape) => from.find((one) => one.shape === shape && one.engine === engine)?.parts ?? [];
      const cell = (what, shape) => {
        const ms = (from) => of(from, shape).find((part) => part.what === what)?.ms;
        const [old, own] = [ms(before), ms(now)];
        const share = of(now, shape).find((part) => part.what === what)?.share ?? 0;
        const text = (one) => (one === undefined ? '–' : format(one));
        return `${text(old)} → ${text(own)} <sub>${(100 * share).toFixed(0)} %</sub>`;
      };
      const names = new Set([...of(now, 'B'), ...of(before, 'B')].map(({ what }) => what));
      return markdownTable([
        [engine, ...shapes],
        ...[...names].map((what) => [what, ...shapes.map((shape) => cell(what, shape))]),
      ]);
    })
    .join('\n\n');
}

const versions = Object.assign({}, ...runs.map((run) => run.machine.versions));
/** @param {Record<string, string>} byName */
const described = ({ wasm, js: _, ...byName }) => [`wasm: ${wasm}`, ...new Set(Object.values(byName))].join('; ');
const loads = runs.map((run) => run.machine.load);
const peaks = runs.map((run) => run.machine.peak);
const range = (values) => `${Math.min(...values)}–${Math.max(...values)}`;
const errors = rows.map(({ maxError }) => maxError);
const sections = {
  machine: [
    `${machine.cpu}, ${machine.cores} cores, ${(machine.memoryBytes / 2 ** 30).toFixed(0)} GiB, ${machine.platform}, Node ${machine.node}; ${described(versions)}.`,
    `Load before the runs: ${range(loads)}. One core at its best: ${range(peaks.map(({ wasm }) => wasm))} GFLOP/s in a loop of WebAssembly, ${range(peaks.map(({ native }) => native))} in a large product of onnxruntime.`,
    `Largest error of all ${rows.length} rows: ${Math.max(...errors).toExponential(1)}.`,
  ].join('\n'),
  sizes: table(rows.filter(({ shape, ids }) => shape.length === 1 && ids !== 'uniform')),
  uniform: table(rows.filter(({ shape, ids }) => shape.length === 1 && ids === 'uniform')),
  models: table(rows.filter(({ shape }) => shape.length > 1)),
  plain: withoutRelaxed(),
  targets: targets(),
  peak: peak(),
  profile: profiles(),
  epoch: markdownTable([
    ['engine, threads', 'ids', 'ms an epoch', 'middle eight tenths'],
    ...(resultOf('epoch')?.rows ?? []).map((row) => [
      nameOf(row),
      row.ids,
      format(row.medianMs),
      `${format(row.p10Ms)}–${format(row.p90Ms)}`,
    ]),
  ]),
};

writeSections('performance.md', sections);

const { load } = await bundleSources({
  bars: 'src/bench/training/bar-chart.ts',
  curves: 'src/bench/training/curve-chart.ts',
});
const { drawTraining } = await load('bars');
const real = rows.filter(({ shape, ids }) => shape.length === 1 && ids !== 'uniform');
if (real.length) writeFileSync(join(root, 'docs/performance-steps.svg'), drawTraining(real, machine));
const curves = resultOf('curves');
const { drawCurves } = await load('curves');
if (curves) writeFileSync(join(root, 'docs/performance-curves.svg'), drawCurves(curves.points, curves.machine));
