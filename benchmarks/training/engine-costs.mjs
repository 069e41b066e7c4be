/**
 * Measures the table that `--engine auto` chooses by, and writes it to src/training/engines/costs.ts: one training step
 * of each engine with one and two threads, over units, rows and kinds of recurrent layer, ids as frequent as words.
 * The median of what fits into a second or so; two minutes in all. Run it on a machine that has nothing else to do.
 *
 *   node benchmarks/training/engine-costs.mjs [--seconds 0.4]
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'tsdown';

const { values: options } = parseArgs({ options: { seconds: { type: 'string', default: '0.4' } } });
const seconds = Number(options.seconds);

const root = fileURLToPath(new URL('../..', import.meta.url));
// Below the project, so that what is not bundled is found.
const bundle = mkdtempSync(join(root, '.cache-costs-'));
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
const { planModel } = await load('plan');
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

/** Median milliseconds of a step. @param {any} provider @param {number} threads @param {any} spec @param {number} rows */
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
  const times = [];
  const began = performance.now();
  for (let step = 0; times.length < 3 || performance.now() - began < 1000 * seconds; step++) {
    const from = performance.now();
    await engine.step(batches[step % 4], { seed: 0, epoch: 0, step }, 1e-4);
    if (step > 1) times.push(performance.now() - from);
  }
  await engine.dispose();
  return times.toSorted((a, b) => a - b)[times.length >> 1] ?? 0;
}

/** Three digits: more would not repeat. @param {number} ms */
const rounded = (ms) => Number(Math.max(ms, 0.001).toPrecision(3));

/** @param {any} provider @param {number} threads */
async function costsOf(provider, threads) {
  // One embedding read and pooled, over one step of time: what remains is what every step costs.
  const few = await measure(provider, threads, specOf(pooled, 1000, 16), 16, 1);
  const many = await measure(provider, threads, specOf(pooled, 101_000, 16), 16, 1);
  const millionWeights = Math.max(many - few, 0) / 1.6;
  /** @type {Record<string, number[][]>} */
  const layers = {};
  for (const type of kinds) {
    layers[type] = [];
    for (const batch of rows) {
      const byUnits = [];
      for (const n of units) {
        const spec = specOf([{ type, units: n }], vocabulary, n);
        const weights = planModel(spec).parameters.reduce(
          (/** @type {number} */ sum, /** @type {{ shape: number[] }} */ { shape }) =>
            sum + shape.reduce((product, size) => product * size, 1),
          0,
        );
        const ms = await measure(provider, threads, spec, batch);
        byUnits.push(rounded(ms - few - (millionWeights * weights) / 1e6));
      }
      console.log(`${provider.name} ${threads} ${type} rows ${batch}: ${byUnits.join(' ')}`);
      layers[type].push(byUnits);
    }
  }
  return { step: rounded(few), millionWeights: rounded(millionWeights), layers };
}

/** @type {Record<string, object>} */
const engines = {};
for (const provider of providers) {
  if ((await provider.refusal(specOf([{ type: 'lstm', units: 8 }], 10, 8))) !== undefined) continue;
  const one = await costsOf(provider, 1);
  const two = provider.mostThreads(rows[0]) > 1 ? await costsOf(provider, 2) : one;
  engines[provider.name] = { one, two };
}

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
