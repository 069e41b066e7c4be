/**
 * Trains one model for a long time and watches the memory of the process: CSV on standard output, a verdict on
 * standard error, exit status 1 if memory grows. Whole runs on real mails, checkpoints written after every epoch.
 *
 *   npm run build && node benchmarks/soak.mjs [--minutes 60] [--model spam-lstm] [--engine auto] [--threads 1]
 *
 * Of each of 60 intervals the median counts: a garbage collector makes saw teeth, and a system that is short of memory
 * takes pages away for a while. The first quarter is warming up. The growth is the median of the slopes between all pairs
 * of intervals after it (Theil and Sen), which such episodes do not bend; memory is flat if that makes less than 16 MiB
 * in the whole time: a leak of a hundred bytes a step would be seen in an hour. The history of a run takes some hundred
 * bytes an epoch, and counts too.
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

/** @param {number[]} values */
const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
const levels = Array.from({ length: intervals }, (_, i) => ({
  minute: ((i + 0.5) / intervals) * minutes,
  rss: median(samples.filter(({ minute }) => Math.floor((minute / minutes) * intervals) === i).map(({ rss }) => rss)),
})).filter(({ minute, rss }) => minute > minutes / 4 && !Number.isNaN(rss));
const slopes = levels.flatMap((a, i) => levels.slice(i + 1).map((b) => (b.rss - a.rss) / (b.minute - a.minute)));
const growth = median(slopes) * minutes;
const flat = growth < allowed;
console.error(
  `${history.length} epochs, engine ${engine.name}, threads ${engine.threads}: ${median(levels.map(({ rss }) => rss)).toFixed(1)} MiB, ` +
    `growth over ${minutes} minutes ${growth.toFixed(1)} MiB: ${flat ? 'flat' : 'not flat'}`,
);
process.exitCode = flat ? 0 : 1;
