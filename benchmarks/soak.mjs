/**
 * Trains one model for a long time and watches the memory of the process: CSV on standard output, a verdict on
 * standard error, exit status 1 if memory grows. Whole runs on real mails, checkpoints written after every epoch.
 *
 *   npm run build && node benchmarks/soak.mjs [--minutes 60] [--model spam-lstm] [--engine auto] [--threads 1]
 *
 * A garbage collector makes saw teeth, so of each interval the lowest figure counts. The first quarter is warming up;
 * a line through the rest says by how much memory grew, and with what standard error. It is flat if the 95 % bound of
 * the growth over the whole time stays below 16 MiB: a leak of a few hundred bytes a step would be seen in an hour.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { train } from 'recurrent-onnx';
import { loadDataset } from 'recurrent-onnx/data';
import { zooModel } from 'recurrent-onnx/models';

const { values: options } = parseArgs({
  options: {
    minutes: { type: 'string', default: '60' },
    model: { type: 'string', default: 'spam-lstm' },
    engine: { type: 'string', default: 'auto' },
    threads: { type: 'string', default: '1' },
  },
});
const minutes = Number(options.minutes);
const intervals = 60;
const allowed = 16; // MiB

const out = mkdtempSync(join(tmpdir(), 'recurrent-onnx-soak-'));
const { build, defaults } = zooModel(options.model);
const data = await loadDataset('spam');
const controller = new AbortController();
const began = performance.now();
/** @type {{ minute: number, rss: number }[]} */
const samples = [];
const inMiB = (/** @type {number} */ bytes) => bytes / 2 ** 20;

console.log('minute,epoch,rss_mib,heap_mib,buffers_mib,loss');
const { history, engine } = await train({
  spec: build,
  data,
  defaults,
  out,
  engine: /** @type {'auto'} */ (options.engine),
  threads: Number(options.threads),
  epochs: 1_000_000,
  patience: 1_000_000,
  signal: controller.signal,
  onEpoch: ({ epoch, loss }) => {
    const minute = (performance.now() - began) / 60_000;
    const { rss, heapUsed, arrayBuffers } = process.memoryUsage();
    samples.push({ minute, rss: inMiB(rss) });
    const figures = [rss, heapUsed, arrayBuffers].map((bytes) => inMiB(bytes).toFixed(1));
    console.log([minute.toFixed(3), epoch, ...figures, loss.toFixed(5)].join());
    if (minute >= minutes) controller.abort();
  },
});
rmSync(out, { recursive: true });

const lowest = Array.from({ length: intervals }, (_, i) => {
  const inside = samples.filter(({ minute }) => Math.floor((minute / minutes) * intervals) === i);
  return inside.toSorted((a, b) => a.rss - b.rss)[0];
}).filter((sample) => sample && sample.minute > minutes / 4);
const mean = (/** @type {number[]} */ values) => values.reduce((sum, value) => sum + value, 0) / values.length;
const at = lowest.map((sample) => sample?.minute ?? 0);
const rss = lowest.map((sample) => sample?.rss ?? 0);
const [atMean, rssMean] = [mean(at), mean(rss)];
const spread = at.reduce((sum, x) => sum + (x - atMean) ** 2, 0);
const slope = at.reduce((sum, x, i) => sum + (x - atMean) * ((rss[i] ?? 0) - rssMean), 0) / spread;
const residuals = at.map((x, i) => (rss[i] ?? 0) - rssMean - slope * (x - atMean));
const error = Math.sqrt(residuals.reduce((sum, r) => sum + r * r, 0) / (at.length - 2) / spread);
const growth = slope * minutes;
const bound = (slope + 2 * error) * minutes;
const flat = bound < allowed;
console.error(
  `${history.length} epochs, engine ${engine.name}, threads ${engine.threads}: ${rssMean.toFixed(1)} MiB, growth over ` +
    `${minutes} minutes ${growth.toFixed(1)} ± ${(2 * error * minutes).toFixed(1)} MiB: ${flat ? 'flat' : 'not flat'}`,
);
process.exitCode = flat ? 0 : 1;
