/**
 * Where the time of a training step goes: of engine wasm by kernel, of engine onnxruntime by kinds of operators inside
 * and outside its loops. One thread, LSTM, the shapes of `recurrent bench training`, ids as frequent as words. Taking
 * the times adds to small steps; shares, not milliseconds, are what to read. Engines are not changed for it: their
 * WebAssembly and their workers are wrapped from outside, so that another checkout can be profiled as well.
 *
 *   node benchmarks/training/profile.mjs [--root <checkout>] [--engines wasm,onnxruntime] [--seconds 3] [--steps 20]
 *
 * seconds: of engine wasm; steps: of engine onnxruntime, whose profile has a line for every operator at every time step.
 */
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import threads from 'node:worker_threads';
import { bundleSources } from '../sources.mjs';

const { values: options } = parseArgs({
  options: {
    root: { type: 'string', default: fileURLToPath(new URL('../..', import.meta.url)) },
    steps: { type: 'string', default: '20' },
    seconds: { type: 'string', default: '3' },
    engines: { type: 'string', default: 'wasm,onnxruntime' },
  },
});
const profiledSteps = Number(options.steps);
const seconds = Number(options.seconds);
const warm = 5;

const engines = options.engines.split(',');
const { folder, load } = await bundleSources(
  {
    ...Object.fromEntries(engines.map((engine) => [engine, `src/training/engines/${engine}/engine.ts`])),
    spec: 'models/spec.ts',
    plan: 'models/plan.ts',
    initialisers: 'models/initialisers.ts',
    random: 'src/core/random.ts',
    optimisers: 'src/training/optimisers.ts',
  },
  resolve(options.root),
);

/** Milliseconds by name of kernel. */
const kernelTimes = new Map();
const { instantiate } = WebAssembly;
WebAssembly.instantiate = async (module, imports) => {
  const { exports } = await instantiate(module, imports);
  const timed = Object.entries(exports).map(([name, kernel]) => [
    name,
    typeof kernel !== 'function'
      ? kernel
      : (...values) => {
          const began = performance.now();
          const result = kernel(...values);
          kernelTimes.set(name, (kernelTimes.get(name) ?? 0) + performance.now() - began);
          return result;
        },
  ]);
  return { exports: Object.fromEntries(timed) };
};

let worker;
const { Worker } = threads;
threads.Worker = class extends Worker {
  /** @param {ConstructorParameters<typeof Worker>} args */
  constructor(...[source, settings]) {
    super(`(${watchWorker})(${JSON.stringify(folder)});${source}`, settings);
    worker = this;
  }
};
syncBuiltinESMExports();

const shapes = {
  A: { time: 100, width: 16, units: 8, vocabulary: 500 },
  B: { time: 100, width: 128, units: 128, vocabulary: 10_000 },
  C: { time: 128, width: 256, units: 256, vocabulary: 20_000 },
};
const profiles = [];
for (const [shape, sizes] of Object.entries(shapes)) {
  for (const engine of engines) {
    const parts = largestFirst(await (engine === 'wasm' ? profileWasm(sizes) : profileOnnxruntime(sizes)));
    const whole = parts.reduce((sum, { ms }) => sum + ms, 0);
    const shares = parts.map(({ what, ms }) => ({
      what,
      ms: Number(ms.toPrecision(3)),
      share: Number((ms / whole).toFixed(3)),
    }));
    profiles.push({ shape, engine, parts: shares });
    console.error(shape, engine, whole.toFixed(2), 'ms');
  }
}
console.log(JSON.stringify({ profiles }, undefined, 1));

/** @typedef {{ time: number, width: number, units: number, vocabulary: number }} Sizes */
/** @typedef {{ what: string, ms: number }[]} Parts of a step, in milliseconds */

/** @param {Sizes} sizes @returns {Promise<Parts>} */
async function profileWasm(sizes) {
  const { wasmEngine } = await load('wasm');
  // once before, for the compiler of JavaScript
  await trainSteps(wasmEngine, sizes, (_, elapsed) => elapsed < 1000);
  const { ms, kernels, steps } = await trainSteps(wasmEngine, sizes, (_, elapsed) => elapsed < 1000 * seconds);
  const parts = [...kernels].map(([what, total]) => ({ what, ms: total / steps }));
  const rest = ms - parts.reduce((sum, part) => sum + part.ms, 0);
  return [...parts, { what: 'outside the kernels', ms: rest }];
}

/** @param {Sizes} sizes @returns {Promise<Parts>} */
async function profileOnnxruntime(sizes) {
  const { onnxruntimeEngine } = await load('onnxruntime');
  const { ms, update, steps } = await trainSteps(onnxruntimeEngine, sizes, (step) => step < profiledSteps);
  const file = readdirSync(folder).find((name) => name.startsWith('session') && name.endsWith('.json'));
  if (!file) throw new Error('onnxruntime wrote no profile');
  /** @type {{ name: string, ts: number, dur: number, args?: { op_name?: string } }[]} */
  const events = JSON.parse(readFileSync(join(folder, file), 'utf8'));
  rmSync(join(folder, file));
  const runs = events.filter(({ name }) => name === 'model_run').sort((a, b) => a.ts - b.ts);
  const from = runs[warm]?.ts ?? 0;
  const nodes = events.filter(({ name, ts, args }) => name.endsWith('_kernel_time') && args?.op_name && ts >= from);
  const scans = nodes.filter(({ args }) => args?.op_name === 'Scan');
  const sums = new Map();
  const add = (what, microseconds) => sums.set(what, (sums.get(what) ?? 0) + microseconds / 1000 / steps);
  for (const { name, ts, dur, args } of nodes) {
    if (args?.op_name === 'Scan') continue;
    const scan = scans.find((one) => ts >= one.ts && ts + dur <= one.ts + one.dur);
    const loop = scan && (/back/.test(name) ? 'backward loop' : 'forward loop');
    const product = /^(MatMul|Gemm|FusedMatMul|FusedGemm)$/.test(args?.op_name ?? '');
    add(
      loop ? `${loop}: ${product ? 'product' : 'gates'}` : product ? 'products outside' : 'other operators outside',
      dur,
    );
    if (scan) add('loops themselves', -dur);
  }
  for (const { dur } of scans) add('loops themselves', dur);
  const parts = [...sums].map(([what, total]) => ({ what, ms: total }));
  const inSession = runs.slice(warm).reduce((sum, { dur }) => sum + dur, 0) / 1000 / steps;
  const inNodes = parts.reduce((sum, part) => sum + part.ms, 0);
  parts.push({ what: 'optimiser', ms: update }, { what: 'session, between nodes', ms: inSession - inNodes });
  parts.push({ what: 'copies, messages, loss', ms: ms - inSession - update });
  return parts;
}

/** @param {Parts} parts */
function largestFirst(parts) {
  return parts.sort((a, b) => b.ms - a.ms);
}

/**
 * Milliseconds a step.
 *
 * @param {any} provider @param {Sizes} sizes
 * @param {(step: number, elapsed: number) => boolean} goesOn after so many steps and milliseconds
 */
async function trainSteps(provider, { time, width, units, vocabulary }, goesOn) {
  const { parseSpec } = await load('spec');
  const { planModel } = await load('plan');
  const { initialWeights } = await load('initialisers');
  const { createRandom } = await load('random');
  const { adam } = await load('optimisers');
  const spec = parseSpec({
    version: 1,
    name: 'profiled',
    layers: [
      { type: 'embedding', inputDim: vocabulary, outputDim: width },
      { type: 'lstm', units },
      { type: 'dense', units: 1, activation: 'sigmoid' },
    ],
  });
  const random = createRandom({ seed: 1, purpose: 'shuffle' });
  const rows = 64;
  const batches = Array.from({ length: 4 }, () => ({
    rows,
    time,
    ids: Int32Array.from({ length: rows * time }, () => Math.floor(vocabulary ** random.uniform()) % vocabulary),
    targets: Int32Array.from({ length: rows }, () => random.below(2)),
  }));
  const weights = initialWeights(planModel(spec), 0);
  const engine = await provider.prepare({ spec, weights, optimiser: adam, threads: 1 });
  const train = (step) => engine.step(batches[step % 4], { seed: 0, epoch: 0, step }, 1e-4);
  for (let step = 0; step < warm; step++) await train(step);
  kernelTimes.clear();
  worker?.postMessage('clear');
  const began = performance.now();
  let steps = 0;
  while (goesOn(steps, performance.now() - began)) await train(steps++);
  const ms = (performance.now() - began) / steps;
  const kernels = new Map(kernelTimes);
  let update = 0;
  if (worker) {
    worker.postMessage('end');
    const file = join(folder, 'times.json');
    while (!existsSync(file)) await sleep(20);
    await sleep(100);
    update = JSON.parse(readFileSync(file, 'utf8')).update / steps;
    rmSync(file);
  }
  await engine.dispose();
  worker = undefined;
  return { ms, kernels, update, steps };
}

/**
 * Runs in a worker, from its source, before the engine's own: times what is asked of it, and profiles its session.
 * @param {string} folder
 */
function watchWorker(folder) {
  const { parentPort, workerData } = require('node:worker_threads');
  const fs = require('node:fs');
  const ort = require(workerData.ort);
  const { create } = ort.InferenceSession;
  let session;
  ort.InferenceSession.create = async (model, settings) => {
    const profiled = { ...settings, enableProfiling: true, profileFilePrefix: `${folder}/session` };
    session = await create.call(ort.InferenceSession, model, profiled);
    return session;
  };
  let times = { run: 0, update: 0 };
  const on = parentPort.on.bind(parentPort);
  parentPort.on = (event, handle) =>
    on(event, async (request) => {
      if (request === 'clear') times = { run: 0, update: 0 };
      else if (request === 'end') {
        session.endProfiling();
        fs.writeFileSync(`${folder}/times.json`, JSON.stringify(times));
      } else {
        const began = performance.now();
        await handle(request);
        times[request.kind] = (times[request.kind] ?? 0) + performance.now() - began;
      }
    });
}
