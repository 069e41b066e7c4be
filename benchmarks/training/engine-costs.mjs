/**
 * Measures the table that `--engine auto` chooses by, and writes it to src/training/engines/costs.ts: one training step
 * of each engine with one and two threads, over units, rows and kinds of recurrent layer, ids as frequent as words.
 * Of several sweeps the shortest step counts: other programs on the machine only ever add. About three minutes.
 *
 *   node benchmarks/training/engine-costs.mjs [--seconds 0.1] [--sweeps 2]
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'tsdown';

const { values: options } = parseArgs({
  options: { seconds: { type: 'string', default: '0.1' }, sweeps: { type: 'string', default: '2' } },
});
const seconds = Number(options.seconds);
const sweeps = Number(options.sweeps);

const root = fileURLToPath(new URL('../..', import.meta.url));
// Below the project, so that what is not bundled is found.
mkdirSync(join(root, '.cache'), { recursive: true });
const bundle = mkdtempSync(join(root, '.cache/engine-costs-'));
process.on('exit', () => rmSync(bundle, { recursive: true }));
await build({
  cwd: root,
  config: false,
  entry: {
    wasm: 'src/training/engines/wasm/engine.ts',
    onnxruntime: 'src/training/engines/onnxruntime/engine.ts',
    spec: 'models/spec.ts',
    plan: 'models/plan.ts',
    initialisers: 'models/initialisers.ts',
    random: 'src/core/random.ts',
    optimisers: 'src/training/optimisers.ts',
  },
  outDir: bundle,
  platform: 'node',
  dts: false,
  logLevel: 'silent',
});
/** @param {string} name */
const load = (name) => import(pathToFileURL(join(bundle, `${name}.mjs`)).href);
const providers = [(await load('wasm')).wasmEngine, (await load('onnxruntime')).onnxruntimeEngine];
const { parseSpec } = await load('spec');
const { countParameters, planModel } = await load('plan');
const { initialWeights } = await load('initialisers');
const { createRandom } = await load('random');
const { adam } = await load('optimisers');

const kinds = ['simpleRnn', 'lstm', 'gru'];
const units = [8, 16, 32, 64, 128, 256];
const rows = [16, 64];
const time = 100;
const vocabulary = 10_000;

/** @param {object[]} middle @param {number} inputDim @param {number} outputDim */
const specOf = (middle, inputDim, outputDim) =>
  parseSpec({
    version: 1,
    name: 'costs',
    layers: [{ type: 'embedding', inputDim, outputDim }, ...middle, { type: 'dense', units: 1, activation: 'sigmoid' }],
  });
const pooled = [{ type: 'pooling', kind: 'average' }];

/** Milliseconds of the shortest step. @param {any} provider @param {number} threads @param {any} spec @param {number} rows */
async function measure(provider, threads, spec, rows, steps = time) {
  const plan = planModel(spec);
  const random = createRandom({ seed: 1, purpose: 'shuffle' });
  const { vocabularySize } = plan;
  const batches = Array.from({ length: 4 }, () => ({
    rows,
    time: steps,
    ids: Int32Array.from(
      { length: rows * steps },
      () => Math.floor(vocabularySize ** random.uniform()) % vocabularySize,
    ),
    targets: Int32Array.from({ length: rows }, () => random.below(2)),
  }));
  const engine = await provider.prepare({ spec, weights: initialWeights(plan, 0), optimiser: adam, threads });
  let shortest = Number.POSITIVE_INFINITY;
  const began = performance.now();
  for (let step = 0; step < 3 || performance.now() - began < 1000 * seconds; step++) {
    const from = performance.now();
    await engine.step(batches[step % 4], { seed: 0, epoch: 0, step }, 1e-4);
    if (step > 0) shortest = Math.min(shortest, performance.now() - from);
  }
  await engine.dispose();
  return shortest;
}

/** One embedding read and pooled, over one step of time: what remains is what every step costs. */
const bare = { few: specOf(pooled, 1000, 16), many: specOf(pooled, 101_000, 16) };

/** Shortest step so far, by engine, threads and case. @type {Map<string, number>} */
const measured = new Map();

/** @param {string} key @param {() => Promise<number>} measureAgain */
async function keepShortest(key, measureAgain) {
  measured.set(key, Math.min(measured.get(key) ?? Number.POSITIVE_INFINITY, await measureAgain()));
}

/** @param {string} type @param {number} n */
const layerSpec = (type, n) => specOf([{ type, units: n }], vocabulary, n);

/** @param {any} provider @param {number} threads */
async function sweep(provider, threads) {
  const key = (/** @type {unknown[]} */ ...parts) => [provider.name, threads, ...parts].join(' ');
  for (const [name, spec] of Object.entries(bare)) {
    await keepShortest(key(name), () => measure(provider, threads, spec, rows[0] ?? 16, 1));
  }
  for (const type of kinds) {
    for (const batch of rows) {
      for (const n of units) {
        await keepShortest(key(type, batch, n), () => measure(provider, threads, layerSpec(type, n), batch));
      }
    }
  }
}

/** Three digits: more would not repeat. @param {number} ms */
const rounded = (ms) => Number(Math.max(ms, 0.001).toPrecision(3));

/** @param {any} provider @param {number} threads */
function costsOf(provider, threads) {
  const at = (/** @type {unknown[]} */ ...parts) => measured.get([provider.name, threads, ...parts].join(' ')) ?? 0;
  const step = at('few');
  const millionWeights = Math.max(at('many') - step, 0) / 1.6;
  const layers = Object.fromEntries(
    kinds.map((type) => [
      type,
      rows.map((batch) =>
        units.map((n) => {
          const weights = countParameters(planModel(layerSpec(type, n)));
          return rounded(at(type, batch, n) - step - (millionWeights * weights) / 1e6);
        }),
      ),
    ]),
  );
  return { step: rounded(step), millionWeights: rounded(millionWeights), layers };
}

const able = [];
for (const provider of providers) if ((await provider.refusal(bare.few)) === undefined) able.push(provider);
for (let n = 1; n <= sweeps; n++) {
  for (const threads of [1, 2]) for (const provider of able) await sweep(provider, threads);
  console.log(`sweep ${n} of ${sweeps} done`);
}
const engines = Object.fromEntries(
  able.map((provider) => [provider.name, { one: costsOf(provider, 1), two: costsOf(provider, 2) }]),
);

const file = join(root, 'src/training/engines/costs.ts');
const machine = `${cpus()[0]?.model}, ${availableParallelism()} cores, Node ${process.versions.node}`;
const table = { machine, units, rows, engines };
writeFileSync(
  file,
  `/** Written by: node benchmarks/training/engine-costs.mjs */
import type { CostTable } from './expected-cost.ts';

export const costs: CostTable = ${JSON.stringify(table)};
`,
);
execFileSync('npx', ['biome', 'format', '--write', file], { cwd: root, stdio: 'ignore' });
process.exit(0); // whatever threads an engine may have left
