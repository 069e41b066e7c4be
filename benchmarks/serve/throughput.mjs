/**
 * `recurrent serve` beside a plain fastify handler around `session.run`: requests a second at 64 connections, latency
 * of one connection, and the delay of the server's event loop meanwhile. Shape B (embedding 128, LSTM 128, 100 steps),
 * masked, with full-length texts and with texts of natural lengths. Each server runs in a process of its own; both must
 * give the same answers before they are timed. On one machine the load generator takes a share of the processor.
 *
 *     npm run build && node benchmarks/serve/throughput.mjs [--seconds 8]
 */
import { fork } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import autocannon from 'autocannon';
import { exportOnnx } from '../../dist/exporters/index.js';
import { createEncoder, initialWeights, parseSpec, planModel } from '../../dist/models/index.js';
import { startServer } from '../../dist/serving/index.js';

const [time, vocabularySize] = [100, 10_000];
const words = Array.from({ length: vocabularySize - 2 }, (_, index) => `w${index}`);
const spec = parseSpec({
  version: 1,
  name: 'shape-b',
  layers: [
    { type: 'embedding', inputDim: vocabularySize, outputDim: 128, maskZero: true },
    { type: 'lstm', units: 128 },
    { type: 'dense', units: 1, activation: 'sigmoid' },
  ],
});
const model = {
  spec,
  weights: initialWeights(planModel(spec), 1),
  preprocessing: {
    tokenizer: { lowercase: 'unicode', filters: '.,', startId: null, oovId: 1, firstWordId: 2 },
    maxLength: time,
    padding: 'pre',
    truncating: 'pre',
  },
  vocabulary: words,
  labels: ['no', 'yes'],
};

/** The plain handler: one text, one run. */
async function startPlain(path) {
  const { fastify } = await import('fastify');
  const ort = createRequire(import.meta.url)('onnxruntime-node');
  const session = await ort.InferenceSession.create(path);
  const encoder = createEncoder({ ...model, vocabularySize: planModel(spec).vocabularySize });
  const app = fastify();
  app.post('/v1/classify', async ({ body }) => {
    const { ids } = encoder.encodeAll([body.text]);
    const { probabilities } = await session.run({ ids: new ort.Tensor('int32', ids, [1, time]) });
    const [p] = probabilities.data;
    return { predictions: [{ label: p > 0.5 ? 'yes' : 'no', scores: { no: 1 - p, yes: p } }] };
  });
  return app.listen({ port: 0 });
}

const [, , role, path] = process.argv;
if (process.send) await serveAs(role, path);
else await measure();

async function serveAs(kind, file) {
  const url = kind === 'plain' ? await startPlain(file) : (await startServer(file, { port: 0 })).url;
  const delay = monitorEventLoopDelay({ resolution: 1 });
  process.on('message', (message) => {
    if (message === 'reset') {
      delay.enable();
      delay.reset();
    } else process.send({ delayMs: delay.percentile(99) / 1e6 - 1 }); // less the timer's own millisecond
  });
  process.send({ url });
}

function texts(kind) {
  let state = 7;
  const draw = (below) => {
    state = (state * 1103515245 + 12345) % 2 ** 31;
    return state % below;
  };
  // Natural: most texts are short, as mails and comments are; the mean is about a quarter of the full length.
  const length = () =>
    kind === 'full' ? time : Math.min(time, 3 + Math.round(-22 * Math.log((1 + draw(9999)) / 10_000)));
  return Array.from({ length: 256 }, () => Array.from({ length: length() }, () => words[draw(words.length)]).join(' '));
}

async function load(url, bodies, connections, seconds) {
  const headers = { 'content-type': 'application/json' };
  const requests = bodies.map((text) => ({
    method: 'POST',
    path: '/v1/classify',
    headers,
    body: JSON.stringify({ text }),
  }));
  const result = await autocannon({ url, connections, duration: seconds, requests });
  if (result.non2xx > 0 || result.errors > 0)
    throw new Error(`${result.non2xx} answers were no 200, ${result.errors} failed`);
  return { perSecond: result.requests.average, p50: result.latency.p50, p99: result.latency.p99 };
}

async function measure() {
  const at = process.argv.indexOf('--seconds');
  const seconds = at > 0 ? Number(process.argv[at + 1]) : 8;
  const folder = mkdtempSync(join(tmpdir(), 'bench-serve-'));
  const file = join(folder, 'b.onnx');
  writeFileSync(file, exportOnnx(model));
  const children = [];
  const ask = (child, message) =>
    new Promise((resolve) => {
      child.once('message', resolve);
      if (message) child.send(message);
    });
  try {
    const servers = {};
    for (const kind of ['plain', 'recurrent']) {
      const child = fork(fileURLToPath(import.meta.url), [kind, file]);
      children.push(child);
      servers[kind] = { child, ...(await ask(child)) };
    }
    const answer = async ({ url }, text) => {
      const response = await fetch(`${url}/v1/classify`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ text }),
      });
      return (await response.json()).predictions[0].scores.yes;
    };
    for (const text of texts('natural').slice(0, 20)) {
      const [a, b] = [await answer(servers.plain, text), await answer(servers.recurrent, text)];
      if (!(Math.abs(a - b) < 1e-6)) throw new Error(`the servers differ: ${a} and ${b}`);
    }
    console.log(`${cpus()[0].model}, ${cpus().length} cores, Node ${process.versions.node}; ${seconds} s each`);
    console.log('texts    connections  server     requests/s  p50 ms  p99 ms  event loop p99 ms');
    for (const [kind, connections] of [
      ['full', 64],
      ['natural', 64],
      ['full', 1],
    ]) {
      for (const name of ['plain', 'recurrent']) {
        const { url, child } = servers[name];
        await load(url, texts(kind), connections, 1);
        child.send('reset');
        const { perSecond, p50, p99 } = await load(url, texts(kind), connections, seconds);
        const { delayMs } = await ask(child, 'read');
        console.log(
          [
            kind.padEnd(8),
            String(connections).padStart(11),
            ` ${name.padEnd(10)}`,
            perSecond.toFixed(0).padStart(10),
            String(p50).padStart(6),
            String(p99).padStart(6),
            delayMs.toFixed(1).padStart(8),
          ].join(' '),
        );
      }
    }
  } finally {
    for (const child of children) child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }
}
