/**
 * One training step of each engine on the same model, weights and batch, in one process: answers compared first, then
 * timed in turn: median and tenth percentile, as other programs on the machine only ever add. The shapes are those of docs/performance.md, and the spam model's with ids as frequent as words.
 *
 *   node benchmarks/training/engines.mjs [--shapes A,spam,B] [--layers lstm,gru,simpleRnn] [--seconds 3] [--relaxed]
 *
 * `--relaxed` switches on relaxed SIMD in a Node that has it behind a flag.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { build } from 'tsdown';

const { values: options } = parseArgs({
  options: {
    shapes: { type: 'string', default: 'A,spam,B' },
    layers: { type: 'string', default: 'lstm,gru,simpleRnn' },
    seconds: { type: 'string', default: '3' },
    relaxed: { type: 'boolean', default: false },
  },
});
if (options.relaxed) setFlagsFromString('--experimental-wasm-relaxed-simd');

const root = fileURLToPath(new URL('../..', import.meta.url));
const bundle = mkdtempSync(join(tmpdir(), 'recurrent-onnx-'));
process.on('exit', () => rmSync(bundle, { recursive: true }));
await build({
  cwd: root,
  config: false,
  entry: {
    js: 'src/training/engines/js/engine.ts',
    wasm: 'src/training/engines/wasm/engine.ts',
    kernels: 'src/training/engines/wasm/kernels.ts',
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
  deps: { alwaysBundle: ['zod'] },
});
/** @param {string} name */
const load = (name) => import(pathToFileURL(join(bundle, `${name}.mjs`)).href);
const { jsEngine } = await load('js');
const { wasmEngineOf } = await load('wasm');
const { availableBuilds } = await load('kernels');
const { parseSpec } = await load('spec');
const { planModel } = await load('plan');
const { initialWeights } = await load('initialisers');
const { createRandom } = await load('random');
const { adam } = await load('optimisers');

/** @type {Record<string, { rows: number, time: number, inputs: number, units: number, vocabulary: number, ids: string }>} */
const shapes = {
  A: { rows: 64, time: 100, inputs: 16, units: 8, vocabulary: 500, ids: 'uniform' },
  spam: { rows: 64, time: 200, inputs: 16, units: 16, vocabulary: 10_000, ids: 'Zipf' },
  B: { rows: 64, time: 100, inputs: 128, units: 128, vocabulary: 10_000, ids: 'uniform' },
};

const engines = [
  ...availableBuilds().map((/** @type {string} */ name) => ({ name: `wasm (${name})`, provider: wasmEngineOf(name) })),
  { name: 'js', provider: jsEngine },
];

for (const shapeName of options.shapes.split(',')) {
  const shape = shapes[shapeName];
  if (!shape) throw new Error(`no shape ${shapeName}: there are ${Object.keys(shapes)}`);
  for (const type of options.layers.split(',')) {
    const { rows, time, inputs, units, vocabulary } = shape;
    const spec = parseSpec({
      version: 1,
      name: 'benchmark',
      layers: [
        { type: 'embedding', inputDim: vocabulary, outputDim: inputs },
        { type, units },
        { type: 'dense', units: 1, activation: 'sigmoid' },
      ],
    });
    const weights = initialWeights(planModel(spec), 0);
    const random = createRandom({ seed: 1, purpose: 'shuffle' });
    const draw = () =>
      shape.ids === 'Zipf' ? Math.floor(vocabulary ** random.uniform()) % vocabulary : random.below(vocabulary);
    const batch = {
      rows,
      time,
      ids: Int32Array.from({ length: rows * time }, draw),
      targets: Int32Array.from({ length: rows }, () => random.below(2)),
    };

    const contenders = await Promise.all(
      engines.map(async ({ name, provider }) => ({
        name,
        engine: await provider.prepare({ spec, weights, optimiser: adam, threads: 1 }),
        /** @type {number[]} */ times: [],
        loss: 0,
      })),
    );
    let step = 0;
    /** @param {(typeof contenders)[number]} contender */
    const run = async (contender) => {
      const began = performance.now();
      const { loss } = await contender.engine.step(batch, { seed: 0, epoch: 0, step }, 1e-4);
      contender.loss = loss;
      return performance.now() - began;
    };
    for (; step < 3; step++) for (const contender of contenders) await run(contender);
    const losses = contenders.map(({ loss }) => loss);
    if (Math.max(...losses) - Math.min(...losses) > 1e-5) throw new Error(`losses differ: ${losses}`);

    for (const contender of contenders) {
      const until = performance.now() + 1000 * Number(options.seconds);
      for (let n = 0; n < 20 && performance.now() < until; n++) await run(contender); // lets the compilers finish
      while (performance.now() < until || contender.times.length < 5) contender.times.push(await run(contender));
    }
    for (const { times } of contenders) times.sort((a, b) => a - b);
    const medians = contenders.map(({ times }) => times[times.length >> 1] ?? 0);
    const slowest = Math.max(...medians);
    contenders.forEach(({ name, times }, i) => {
      const median = medians[i] ?? 0;
      const low = times[Math.floor(times.length / 10)] ?? 0;
      const figures = `${median.toFixed(2).padStart(9)} ms  p10 ${low.toFixed(2).padStart(9)} ms  ${(slowest / median).toFixed(1).padStart(5)} ×`;
      console.log(`${shapeName.padEnd(5)} ${type.padEnd(10)} ${name.padEnd(15)} ${figures}`);
    });
    for (const { engine } of contenders) await engine.dispose();
  }
}
