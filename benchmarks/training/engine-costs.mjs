/**
 * Measures the table that `--engine auto` chooses by, and writes it to src/training/engines/costs.ts: one training step
 * of each engine with one and two threads, over units, rows and kinds of recurrent layer, ids as frequent as words.
 *
 * Other programs on the machine only ever add, and for seconds at a time. So each case is visited once a round, in
 * another order each time, all contenders of a shape one after another; of a visit the lower quartile of its steps
 * counts, of all visits the least. A step that is not plausible beside its neighbours was disturbed: it is visited again,
 * and while such steps are left the table is not written. About four minutes.
 *
 *   node benchmarks/training/engine-costs.mjs [--seconds 0.05] [--rounds 4]
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { machine } from '../measure.mjs';
import { bundleSources } from '../sources.mjs';

const { values: options } = parseArgs({
  options: { seconds: { type: 'string', default: '0.05' }, rounds: { type: 'string', default: '4' } },
});
const seconds = Number(options.seconds);
const rounds = Number(options.rounds);
/** How much longer a step may take that does less: what the least of some quartiles still scatters by. */
const scatter = 1.15;
/** How much longer one may take for twice the units, which is four times the products, and more where caches end. */
const growth = 5;
/** How much longer one may take for having two threads, which wait for each other: little where each has much to do. */
const wait = (batch) => 1 + 16 / batch;

const root = fileURLToPath(new URL('../..', import.meta.url));
const { load } = await bundleSources({
  wasm: 'src/training/engines/wasm/engine.ts',
  onnxruntime: 'src/training/engines/onnxruntime/engine.ts',
  spec: 'models/spec.ts',
  plan: 'models/plan.ts',
  initialisers: 'models/initialisers.ts',
  random: 'src/core/random.ts',
  optimisers: 'src/training/optimisers.ts',
});
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
/** Few enough that the optimiser, whose part is taken off, is not most of a step. */
const vocabulary = 2000;

/** @param {object[]} middle @param {number} inputDim @param {number} outputDim */
const specOf = (middle, inputDim, outputDim) =>
  parseSpec({
    version: 1,
    name: 'costs',
    layers: [{ type: 'embedding', inputDim, outputDim }, ...middle, { type: 'dense', units: 1, activation: 'sigmoid' }],
  });
const pooled = [{ type: 'pooling', kind: 'average' }];

/** Lower quartile of the milliseconds of a step. @param {any} provider @param {number} threads @param {any} spec @param {number} rows */
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
  for (let step = 0; step < 4 || performance.now() - began < 1000 * seconds; step++) {
    const from = performance.now();
    await engine.step(batches[step % 4], { seed: 0, epoch: 0, step }, 1e-4);
    if (step > 0) times.push(performance.now() - from);
  }
  await engine.dispose();
  return times.sort((a, b) => a - b)[times.length >> 2] ?? Number.NaN;
}

/** One embedding read and pooled, over one step of time: what remains is what every step costs. */
const bare = { few: specOf(pooled, 1000, 16), many: specOf(pooled, 101_000, 16) };

/** @param {string} type @param {number} n */
const layerSpec = (type, n) => specOf([{ type, units: n }], vocabulary, n);

/**
 * What is measured: a step, of which `of` tells the part that counts, and what that may take at most.
 * @typedef {{ key: string, ms: number, of: () => number, atMost: (() => number)[], visit: () => Promise<number> }} Case
 */

/** @param {any} provider @param {number} threads @returns {Case[]} */
function casesOf(provider, threads) {
  const keyWith = (count, ...parts) => [provider.name, count, ...parts].join(' ');
  const other = (...parts) => caseAt(keyWith(threads, ...parts));
  /** @param {unknown[]} parts @param {number} batch @param {() => Promise<number>} visit @returns {Case} */
  const caseOf = (parts, batch, visit) => {
    const own = { key: keyWith(threads, ...parts), ms: Number.POSITIVE_INFINITY, of: () => own.ms, atMost: [], visit };
    if (threads === 2) own.atMost.push(() => wait(batch) * caseAt(keyWith(1, ...parts)).of());
    return own;
  };
  const few = caseOf(['few'], 16, () => measure(provider, threads, bare.few, 16, 1));
  const many = caseOf(['many'], 16, () => measure(provider, threads, bare.many, 16, 1));
  for (const type of kinds) few.atMost.push(() => other(type, rows[0], units[0]).ms);
  const layers = kinds.flatMap((type) =>
    rows.flatMap((batch, row) =>
      units.map((n, unit) => {
        const spec = layerSpec(type, n);
        const weights = countParameters(planModel(spec));
        const own = caseOf([type, batch, n], batch, () => measure(provider, threads, spec, batch));
        own.of = () => own.ms - few.ms - (millionWeights(provider, threads) * weights) / 1e6;
        if (unit + 1 < units.length) own.atMost.push(() => scatter * other(type, batch, units[unit + 1]).of());
        if (row + 1 < rows.length) own.atMost.push(() => scatter * other(type, rows[row + 1], n).of());
        if (unit > 0) own.atMost.push(() => growth * other(type, batch, units[unit - 1]).of());
        return own;
      }),
    ),
  );
  return [few, many, ...layers];
}

/** Milliseconds. @param {any} provider @param {number} threads */
function millionWeights({ name }, threads) {
  return Math.max(caseAt(`${name} ${threads} many`).ms - caseAt(`${name} ${threads} few`).ms, 0) / 1.6;
}

const able = [];
for (const provider of providers) if ((await provider.refusal(bare.few)) === undefined) able.push(provider);
const contenders = [1, 2].flatMap((threads) => able.map((provider) => casesOf(provider, threads)));
/** The contenders of a shape one after another. */
const cases = (contenders[0] ?? []).flatMap((_, at) => contenders.flatMap((own) => own[at] ?? []));
const measured = new Map(cases.map((one) => [one.key, one]));
/** @param {string} key @returns {Case} */
function caseAt(key) {
  const found = measured.get(key);
  if (!found) throw new Error(`no case ${key}`);
  return found;
}

/** @param {readonly Case[]} some */
async function visitAll(some) {
  for (const one of some) one.ms = Math.min(one.ms, await one.visit());
}

/** What is left of a step of hundredths of a millisecond tells nothing. */
const disturbed = () => cases.filter(({ of, atMost }) => atMost.some((limit) => of() > limit() + 0.01));

for (let round = 1; round <= rounds; round++) {
  const from = Math.floor(((round - 1) * cases.length) / rounds);
  const order = [...cases.slice(from), ...cases.slice(0, from)];
  await visitAll(round % 2 ? order : order.toReversed());
  console.log(`round ${round} of ${rounds} done`);
}
for (let again = 1; again <= 30 && disturbed().length > 0; again++) {
  await setTimeout(2000); // what disturbs may go away
  console.log(`again: ${disturbed().length} cases`);
  await visitAll(disturbed());
}
if (disturbed().length > 0) {
  console.error(
    `disturbed: ${disturbed()
      .map(({ key, ms }) => `${key} (${ms.toPrecision(3)} ms)`)
      .join(', ')}`,
  );
  console.error('These are not plausible beside their neighbours: nothing is written. Measure on a quiet machine.');
  process.exit(1);
}

/** Three digits: more would not repeat. @param {number} ms */
const rounded = (ms) => Number(Math.max(ms, 0.001).toPrecision(3));

/** @param {any} provider @param {number} threads */
function costsOf(provider, threads) {
  const at = (...parts) => caseAt([provider.name, threads, ...parts].join(' ')).of();
  const layers = Object.fromEntries(
    kinds.map((type) => [type, rows.map((batch) => units.map((n) => rounded(at(type, batch, n))))]),
  );
  return { step: rounded(at('few')), millionWeights: rounded(millionWeights(provider, threads)), layers };
}

const engines = Object.fromEntries(
  able.map((provider) => [provider.name, { one: costsOf(provider, 1), two: costsOf(provider, 2) }]),
);

const file = join(root, 'src/training/engines/costs.ts');
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
