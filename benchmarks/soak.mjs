/**
 * Trains one model for a long time and watches the memory of the process: CSV on standard output, a verdict on
 * standard error, exit status 1 if memory grows. Whole runs on real mails, checkpoints written after every epoch.
 *
 *   npm run build && node benchmarks/soak.mjs [--minutes 60] [--model spam-lstm] [--engine auto] [--threads 1]
 *
 * benchmarks/flat-memory.mjs says what flat is: a leak of a hundred bytes a step would be seen in an hour. The history of a
 * run takes some hundred bytes an epoch, and counts too.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { train } from 'recurrent-onnx';
import { loadDataset } from 'recurrent-onnx/data';
import { zooModel } from 'recurrent-onnx/models';
import { judgeMemory } from './flat-memory.mjs';

const { values: options } = parseArgs({
  options: {
    minutes: { type: 'string', default: '60' },
    model: { type: 'string', default: 'spam-lstm' },
    engine: { type: 'string', default: 'auto' },
    threads: { type: 'string', default: '1' },
  },
});
const minutes = Number(options.minutes);

const out = mkdtempSync(join(tmpdir(), 'recurrent-onnx-soak-'));
const { build, defaults } = zooModel(options.model);
const data = await loadDataset('spam');
const controller = new AbortController();
const began = performance.now();
const samples = [];
const inMiB = (bytes) => bytes / 2 ** 20;

console.log('minute,epoch,rss_mib,heap_mib,buffers_mib,loss');
const { history, engine } = await train({
  spec: build,
  data,
  defaults,
  out,
  engine: options.engine,
  threads: Number(options.threads),
  epochs: 1_000_000,
  patience: 1_000_000,
  signal: controller.signal,
  onEpoch: ({ epoch, loss }) => {
    const minute = (performance.now() - began) / 60_000;
    const { rss, heapUsed, arrayBuffers } = process.memoryUsage();
    samples.push({ minute, mib: inMiB(rss) });
    const figures = [rss, heapUsed, arrayBuffers].map((bytes) => inMiB(bytes).toFixed(1));
    console.log([minute.toFixed(3), epoch, ...figures, loss.toFixed(5)].join());
    if (minute >= minutes) controller.abort();
  },
});
rmSync(out, { recursive: true });

const { level, growth, flat } = judgeMemory(samples, minutes);
console.error(
  `${history.length} epochs, engine ${engine.name}, threads ${engine.threads}: ${level.toFixed(1)} MiB, ` +
    `growth over ${minutes} minutes ${growth.toFixed(1)} MiB: ${flat ? 'flat' : 'not flat'}`,
);
process.exitCode = flat ? 0 : 1;
