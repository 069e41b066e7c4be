/**
 * From which size on a GPU is faster: one training step, and the classification of a batch, of a model with one LSTM,
 * over its units and the rows of a batch. CPU: the fastest of engines wasm and onnxruntime; onnxruntime. GPU: engine
 * tensorflow, and onnxruntime's training step on CUDA; onnxruntime on CUDA. Losses and probabilities are compared before
 * anything is timed. Writes benchmarks/gpu/results/crossover.json.
 *
 *   node benchmarks/gpu/crossover.mjs [--seconds 1] [--units 16,64,128,256,512] [--rows 64,256] [--cpu]
 *
 * Without a GPU it says why and does nothing; with --cpu it times the CPU all the same, and writes nothing. With
 * RECURRENT_GPU_REHEARSAL=1 the CPU takes the place of the GPU, one small size is enough, and nothing is kept.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { median } from '../measure.mjs';
import { bundleSources } from '../sources.mjs';

const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '1' },
    units: { type: 'string', default: '16,64,128,256,512' },
    rows: { type: 'string', default: '64,256' },
    cpu: { type: 'boolean', default: false },
  },
});
const rehearsal = process.env.RECURRENT_GPU_REHEARSAL === '1';
if (rehearsal) Object.assign(options, { seconds: '0', units: '8,16', rows: '16' });
const seconds = Number(options.seconds);
/** @param {string} list */
const numbers = (list) => list.split(',').map(Number);
const time = 100;
const vocabulary = 10_000;

const { folder: scratch, load } = await bundleSources({
  wasm: 'src/training/engines/wasm/engine.ts',
  onnxruntime: 'src/training/engines/onnxruntime/engine.ts',
  tensorflow: 'src/training/engines/tensorflow/engine.ts',
  backend: 'src/training/engines/tensorflow/backend.ts',
  optimisers: 'src/training/optimisers.ts',
  spec: 'models/spec.ts',
  plan: 'models/plan.ts',
  initialisers: 'models/initialisers.ts',
  export: 'exporters/export.ts',
  classifier: 'runtime/predict/classifier.ts',
});
const { wasmEngine } = await load('wasm');
const { onnxruntimeEngine, onnxruntimeCudaEngine } = await load('onnxruntime');
const { tensorflowEngine } = await load('tensorflow');
const { loadNativeTensorflow } = await load('backend');
const { adam } = await load('optimisers');
const { parseSpec } = await load('spec');
const { planModel } = await load('plan');
const { initialWeights } = await load('initialisers');
const { exportOnnx } = await load('export');
const { loadClassifier } = await load('classifier');

/** @param {number} units */
const specOf = (units) =>
  parseSpec({
    version: 1,
    name: 'crossover',
    layers: [
      { type: 'embedding', inputDim: vocabulary, outputDim: units },
      { type: 'lstm', units },
      { type: 'dense', units: 1, activation: 'sigmoid' },
    ],
  });

/** @param {any} spec */
function modelOf(spec) {
  return {
    spec,
    weights: initialWeights(planModel(spec), 0),
    preprocessing: {
      tokenizer: { lowercase: 'unicode', filters: '.,!?', startId: null, oovId: null, firstWordId: 1 },
      maxLength: time,
      padding: 'pre',
      truncating: 'pre',
    },
    vocabulary: Array.from({ length: vocabulary - 1 }, (_, index) => `w${index + 1}`),
    labels: ['a', 'b'],
  };
}

/** Ids that repeat as those of words do, more or less. @param {number} rows */
function batchOf(rows) {
  const ids = Int32Array.from({ length: rows * time }, (_, at) => 1 + (((at * 2654435761) >>> 0) % 2000));
  return { ids, rows, time, targets: Int32Array.from({ length: rows }, (_, row) => row % 2) };
}

/** Median milliseconds of `work` over `seconds`, after three to warm up. @param {() => Promise<unknown>} work */
async function medianMs(work) {
  for (let warm = 0; warm < 3; warm++) await work();
  const taken = [];
  const end = performance.now() + 1000 * seconds;
  while (performance.now() < end || taken.length < 3) {
    const began = performance.now();
    await work();
    taken.push(performance.now() - began);
  }
  return median(taken);
}

/** @param {any} provider @param {any} spec @param {any} batch @param {number} threads */
async function timeTraining(provider, spec, batch, threads) {
  const weights = initialWeights(planModel(spec), 0);
  const engine = await provider.prepare({ spec, weights, optimiser: adam, threads });
  try {
    const { loss } = await engine.evaluate(batch);
    let step = 0;
    const ms = await medianMs(() => engine.step(batch, { seed: 0, epoch: 0, step: step++ }, 0.001));
    return { loss, ms };
  } finally {
    await engine.dispose();
  }
}

/** @param {Uint8Array} file @param {any} batch @param {any} providers */
async function timeInference(file, { ids, rows }, providers) {
  const classifier = await loadClassifier(file, { providers });
  try {
    const { probabilities } = await classifier.predictIds(ids, rows, time);
    return { probability: probabilities[0], ms: await medianMs(() => classifier.predictIds(ids, rows, time)) };
  } finally {
    await classifier.dispose();
  }
}

/** @param {string} what @param {number} a @param {number} b @param {number} allowed */
function agree(what, a, b, allowed) {
  if (!(Math.abs(a - b) <= allowed)) throw new Error(`${what}: ${a} and ${b}`);
}

const tiny = specOf(4);
const cuda = rehearsal ? onnxruntimeEngine : onnxruntimeCudaEngine;
const cudaRefusal = await cuda.refusal(tiny);
const tensorflowRefusal =
  (await tensorflowEngine.refusal(tiny)) ??
  (await loadNativeTensorflow().then(({ description, device }) =>
    device === 'GPU' || rehearsal ? undefined : `${description}: it sees no GPU`,
  ));
for (const [what, refusal] of [
  ['onnxruntime on CUDA', cudaRefusal],
  ['TensorFlow on a GPU', tensorflowRefusal],
]) {
  const runs = rehearsal ? 'REHEARSED ON THE CPU, no evidence' : 'runs';
  console.log(`${what}: ${refusal === undefined ? runs : `SKIPPED, ${refusal}`}`);
}
if (cudaRefusal !== undefined && tensorflowRefusal !== undefined && !options.cpu) {
  console.log('benchmark of CPU against GPU: SKIPPED, as there is no GPU to use');
  process.exit(0);
}

const cores = cpus().length;
const contenders = [
  { name: 'wasm', on: 'cpu', provider: wasmEngine, threads: cores },
  { name: 'onnxruntime', on: 'cpu', provider: onnxruntimeEngine, threads: cores },
  ...(cudaRefusal === undefined ? [{ name: 'onnxruntime', on: 'gpu', provider: cuda, threads: 1 }] : []),
  ...(tensorflowRefusal === undefined
    ? [{ name: 'tensorflow', on: 'gpu', provider: tensorflowEngine, threads: tensorflowEngine.fewestThreads?.() ?? 1 }]
    : []),
];

const measured = [];
for (const units of numbers(options.units)) {
  const spec = specOf(units);
  const file = exportOnnx(modelOf(spec));
  for (const rows of numbers(options.rows)) {
    const batch = batchOf(rows);
    let loss;
    for (const { name, on, provider, threads } of contenders) {
      const found = await timeTraining(provider, spec, batch, Math.min(threads, provider.mostThreads(rows)));
      loss ??= found.loss;
      agree(`loss of ${name} on ${on}`, found.loss, loss, 1e-4);
      note({ task: 'training step', on, contender: name, units, rows, ms: found.ms });
    }
    let probability;
    for (const [on, providers] of [
      ['cpu', 'cpu'],
      ...(cudaRefusal === undefined ? [['gpu', rehearsal ? ['cpu'] : ['cuda', 'cpu']]] : []),
    ]) {
      const found = await timeInference(file, batch, providers);
      probability ??= found.probability;
      agree(`probability on ${on}`, found.probability, probability, 1e-5);
      note({ task: 'inference', on: String(on), contender: 'onnxruntime', units, rows, ms: found.ms });
    }
  }
}

/** @param {(typeof measured)[number]} row */
function note(row) {
  measured.push(row);
  const { task, on, contender, units, rows, ms } = row;
  console.log(
    `${task.padEnd(14)} ${String(units).padStart(4)} units ${String(rows).padStart(4)} rows  ${on} ${contender.padEnd(12)} ${ms.toPrecision(3)} ms`,
  );
}

/** The least units from which on the GPU is faster at every size that was tried; undefined: at none. */
const crossovers = ['training step', 'inference'].flatMap((task) =>
  numbers(options.rows).map((rows) => {
    /** @param {string} on @param {number} units */
    const best = (on, units) =>
      Math.min(
        ...measured
          .filter((row) => row.task === task && row.rows === rows && row.units === units && row.on === on)
          .map(({ ms }) => ms),
      );
    const sizes = numbers(options.units);
    const from = sizes.findIndex((_, at) => sizes.slice(at).every((units) => best('gpu', units) < best('cpu', units)));
    return { task, rows, units: from < 0 ? undefined : sizes[from] };
  }),
);
for (const { task, rows, units } of options.cpu ? [] : crossovers) {
  console.log(
    `${task}, ${rows} rows: ${units === undefined ? 'the CPU is faster at the largest size, too' : `a GPU is faster from ${units} units on`}`,
  );
}

if (!options.cpu) {
  const query = ['--query-gpu=name,driver_version,memory.total', '--format=csv,noheader'];
  const device = rehearsal ? 'none' : execFileSync('nvidia-smi', query, { encoding: 'utf8' });
  const machine = {
    device: device.trim(),
    cpu: cpus()[0]?.model.trim(),
    cores,
    load: loadavg()[0],
    node: process.versions.node,
  };
  const folder = rehearsal ? scratch : fileURLToPath(new URL('results', import.meta.url));
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(folder, 'crossover.json'),
    `${JSON.stringify({ machine, time, measured, crossovers }, null, 2)}\n`,
  );
}
