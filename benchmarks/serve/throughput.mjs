/**
 * `recurrent serve` beside what one would write by hand: a fastify handler around `session.run`, and FastAPI on uvicorn
 * with onnxruntime for Python. Requests a second at 64 connections, latency of one connection, the delay of the event
 * loop meanwhile, and the processor time of a request by who spends it. Shape B of `recurrent bench training` (embedding
 * and LSTM of 128 units, 100 steps), masked, with texts of full length and of natural lengths.
 *
 * Each server runs in a process of its own and gives the same answers before it is timed; then they take turns, and the
 * medians of the rounds count. The load generator runs on the same machine and takes its share of the processor: the
 * column `client` tells how much.
 *
 *     npm run build && [RECURRENT_PYTHON=venv/bin/python] node benchmarks/serve/throughput.mjs [--seconds 4]
 *         [--rounds 3] [--out benchmarks/serve/results/throughput.json]
 *
 * Python's packages: pip install -r tools/peers/requirements-serve.txt
 */
import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import autocannon from 'autocannon';
import { exportOnnx } from '../../dist/exporters/index.js';
import { createEncoder, initialWeights, parseSpec, planModel } from '../../dist/models/index.js';
import { startServer } from '../../dist/serving/index.js';
import { machine, median } from '../measure.mjs';

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

/** Node's servers by the name of the contender. */
const nodeServers = {
  plain: (file) => startPlain(file, {}),
  'plain, 1 thread': (file) => startPlain(file, { intraOpNumThreads: 1 }),
  'recurrent serve': async (file) => (await startServer(file, { port: 0 })).url,
};
const pythonServers = { 'FastAPI, 1 worker': 1, 'FastAPI, 2 workers': 2 };

/** The plain handler: one text, one run. */
async function startPlain(file, options) {
  process.env.ORT_DISABLE_TELEMETRY ??= '1'; // as the runtime does
  const { fastify } = await import('fastify');
  const ort = createRequire(import.meta.url)('onnxruntime-node');
  const session = await ort.InferenceSession.create(file, options);
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

/** In a child of this program: a server of Node, which tells the delay of its event loop when it is asked. */
async function serveAs(name, file) {
  const url = await nodeServers[name](file);
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  process.on('message', (message) => {
    if (message === 'reset') delay.reset();
    else process.send({ delayMs: delay.percentile(99) / 1e6 - 1 }); // less the timer's own millisecond
  });
  process.send({ url });
}

async function startNode(name, file) {
  const child = fork(fileURLToPath(import.meta.url), [name, file]);
  const [{ url }] = await once(child, 'message');
  return {
    name,
    url,
    child,
    reset: () => child.send('reset'),
    async delayMs() {
      child.send('read');
      const [answer] = await once(child, 'message');
      return answer.delayMs;
    },
  };
}

async function startPython(name, file) {
  const python = process.env.RECURRENT_PYTHON;
  if (!python) return skip(name, 'RECURRENT_PYTHON is not set');
  const program = fileURLToPath(new URL('fastapi_server.py', import.meta.url));
  const workers = pythonServers[name];
  const child = spawn(python, [program, file, '--workers', String(workers)], { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    said += text;
  });
  let ready;
  let started = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    ready = JSON.parse(line);
    if (++started === workers) break;
  }
  if (!ready) return skip(name, said.trim().split('\n').at(-1));
  return { name, url: ready.url, child, versions: ready.versions, reset() {}, delayMs: async () => undefined };
}

function skip(name, reason) {
  console.log(`${name} is left out: ${reason}`);
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

const request = (text) => ({
  method: 'POST',
  path: '/v1/classify',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ text }),
});

async function load({ name, url }, kind, connections, seconds) {
  const result = await autocannon({ url, connections, duration: seconds, requests: texts(kind).map(request) });
  if (result.non2xx + result.errors > 0) throw new Error(`${name}: ${result.non2xx + result.errors} requests failed`);
  return result;
}

/** @throws if it does not answer as the first contender does */
async function verify(server, expected) {
  for (const [index, text] of texts('natural').slice(0, 20).entries()) {
    const { method, path, headers, body } = request(text);
    const answer = await (await fetch(server.url + path, { method, headers, body })).json();
    const p = answer.predictions[0].scores.yes;
    expected[index] ??= p;
    if (!(Math.abs(p - expected[index]) < 1e-6)) throw new Error(`${server.name}: ${p}, and not ${expected[index]}`);
  }
}

/** Processor time of a process and of its children, in microseconds; Linux counts it in hundredths of a second. */
function processorTime(pid) {
  if (process.platform !== 'linux') return undefined;
  const own = (id) => {
    const fields = readFileSync(`/proc/${id}/stat`, 'utf8').split(') ')[1].split(' ');
    return (Number(fields[11]) + Number(fields[12])) * 10_000;
  };
  const children = (id) =>
    readdirSync(`/proc/${id}/task`)
      .flatMap((task) => readFileSync(`/proc/${id}/task/${task}/children`, 'utf8').split(' '))
      .filter((each) => each.trim() !== '');
  const below = (id) => children(id).reduce((sum, each) => sum + own(each) + below(each), 0);
  return { server: own(pid), children: below(pid) };
}

async function round(server, kind, connections, seconds) {
  await load(server, kind, connections, 1);
  server.reset();
  const before = processorTime(server.child.pid);
  const client = process.cpuUsage();
  const { requests, latency } = await load(server, kind, connections, seconds);
  const after = processorTime(server.child.pid);
  const { user, system } = process.cpuUsage(client);
  const each = (microseconds) => microseconds / requests.total;
  return {
    perSecond: requests.average,
    p50Ms: latency.p50,
    p99Ms: latency.p99,
    delayMs: await server.delayMs(),
    serverUs: before && each(after.server - before.server),
    childrenUs: before && each(after.children - before.children),
    clientUs: each(user + system),
  };
}

async function measure() {
  const { values: options } = parseArgs({
    options: {
      seconds: { type: 'string', default: '4' },
      rounds: { type: 'string', default: '3' },
      out: { type: 'string' },
    },
  });
  const [seconds, rounds] = [Number(options.seconds), Number(options.rounds)];
  const folder = mkdtempSync(join(tmpdir(), 'bench-serve-'));
  const file = join(folder, 'b.onnx');
  writeFileSync(file, exportOnnx(model));
  const servers = [];
  try {
    for (const name of Object.keys(nodeServers)) servers.push(await startNode(name, file));
    for (const name of Object.keys(pythonServers)) servers.push(await startPython(name, file));
    const present = servers.filter((server) => server !== undefined);
    const expected = [];
    for (const server of present) await verify(server, expected);

    const versions = present.find((server) => server.versions)?.versions;
    console.log(`${machine}; ${rounds} rounds of ${seconds} s each${versions ? `; ${JSON.stringify(versions)}` : ''}`);
    console.log(
      '| texts | connections | server | requests a second | p50, ms | p99, ms | event loop p99, ms | µs of processor a request: server, children, client |',
    );
    console.log('|---|---|---|---|---|---|---|---|');
    const rows = [];
    for (const [kind, connections] of [
      ['full', 64],
      ['natural', 64],
      ['full', 1],
    ]) {
      const results = new Map(present.map(({ name }) => [name, []]));
      for (let turn = 0; turn < rounds; turn++) {
        for (const server of present) results.get(server.name).push(await round(server, kind, connections, seconds));
      }
      for (const [server, own] of results) {
        const middle = (field) => {
          const values = own.map((result) => result[field]).filter((value) => value !== undefined);
          return values.length > 0 ? median(values) : undefined; // Python does not tell the delay of its event loop
        };
        const rates = own.map(({ perSecond }) => perSecond);
        const row = {
          texts: kind,
          connections,
          server,
          perSecond: middle('perSecond'),
          perSecondRange: [Math.min(...rates), Math.max(...rates)],
          ...Object.fromEntries(
            Object.keys(own[0])
              .slice(1)
              .map((field) => [field, middle(field)]),
          ),
        };
        rows.push(row);
        console.log(`| ${cellsOf(row).join(' | ')} |`);
      }
    }
    if (options.out) {
      mkdirSync(dirname(options.out), { recursive: true });
      writeFileSync(options.out, `${JSON.stringify({ machine, versions, seconds, rounds, rows }, null, 2)}\n`);
    }
  } finally {
    for (const server of servers) server?.child.kill(server.versions ? 'SIGTERM' : 'SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }
}

function cellsOf({ texts: kind, connections, server, perSecond, perSecondRange, p50Ms, p99Ms, delayMs, ...rest }) {
  const whole = (value) => (value === undefined ? '–' : value.toFixed(0));
  const [least, most] = perSecondRange.map((rate) => rate.toFixed(0));
  return [
    kind,
    connections,
    server,
    `${perSecond.toFixed(0)} (${least}–${most})`,
    p50Ms,
    p99Ms,
    delayMs?.toFixed(1) ?? '–',
    [rest.serverUs, rest.childrenUs, rest.clientUs].map(whole).join(', '),
  ];
}

if (process.send) await serveAs(process.argv[2], process.argv[3]);
else await measure();
