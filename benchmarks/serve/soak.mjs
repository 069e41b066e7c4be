/**
 * `recurrent serve` as a process of its own under mixed load for a long time: CSV of memory on standard output, a verdict
 * for the server and for the processes of its models on standard error, exit status 1 if one of them grows.
 *
 *   npm run build && node benchmarks/serve/soak.mjs [--minutes 30] [--clients 6] [--idle 5000]
 *
 * The clients send texts and ids, in JSON, in binary form, packed and over gRPC, whole and in pieces; they ask for
 * explanations, metrics and things that are not there, and leave in the middle. Meanwhile `--idle` texts in pieces are
 * kept open, a second model is written anew every half minute, and every right answer is held against the first one to
 * the same text. Resident memory comes from /proc, so it needs Linux. `benchmarks/flat-memory.mjs` says what flat is.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { Client, credentials, Metadata } from '@grpc/grpc-js';
import protobuf from 'protobufjs';
import { exportOnnx } from 'recurrent-onnx/export';
import { initialWeights, parseSpec, planModel } from 'recurrent-onnx/models';
import { judgeMemory } from '../flat-memory.mjs';

const { values: options } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    clients: { type: 'string', default: '6' },
    idle: { type: 'string', default: '5000' },
  },
});
const minutes = Number(options.minutes);
const idle = Number(options.idle);

const vocabulary = Array.from({ length: 5000 }, (_, index) => `w${index + 1}`);
/** @param {number} seed */
function model(seed) {
  const spec = parseSpec({
    version: 1,
    name: 'soak',
    layers: [
      { type: 'embedding', inputDim: vocabulary.length + 1, outputDim: 32, maskZero: true },
      { type: 'lstm', units: 64 },
      { type: 'dense', units: 1, activation: 'sigmoid' },
    ],
  });
  return {
    spec,
    weights: initialWeights(planModel(spec), seed),
    preprocessing: {
      tokenizer: { lowercase: 'unicode', filters: '.,', startId: null, oovId: null, firstWordId: 1 },
      maxLength: 60,
      padding: 'pre',
      truncating: 'pre',
    },
    vocabulary,
    labels: ['no', 'yes'],
  };
}

const folder = mkdtempSync(join(tmpdir(), 'recurrent-onnx-soak-'));
/** @param {string} name @param {number} seed */
function write(name, seed) {
  writeFileSync(join(folder, '.fresh'), exportOnnx(model(seed), { states: true }));
  renameSync(join(folder, '.fresh'), join(folder, name));
}
write('kept.onnx', 1);
write('renewed.onnx', 2);

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const settings = [
  '--sequence-idle-seconds',
  String(minutes * 120),
  '--max-sequences',
  String(idle + 1000),
  '--log-level',
  'error',
];
const server = spawn(
  process.execPath,
  [
    main,
    'serve',
    folder,
    '--port',
    '0',
    '--grpc-port',
    '0',
    '--json',
    '--provider',
    'cpu',
    '--threads',
    '1',
    ...settings,
  ],
  { stdio: ['ignore', 'pipe', 'inherit'] },
);
const { url, grpcAddress } = JSON.parse(String((await once(server.stdout, 'data'))[0]));

/** Resident memory of a process in MiB. @param {number | string} pid */
function residentOf(pid) {
  const [, kib] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kib) / 1024;
}
/** The processes of the model that is kept: the first that the server has started. */
const kept = childrenOf(server.pid ?? 0).slice(0, await metric('recurrent_processes'));
/** @param {number} pid */
function childrenOf(pid) {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
  return children.map(Number).sort((a, b) => a - b);
}

// --- The clients.

let going = true;
const firstAnswers = new Map();
const counts = {};

/** @param {number} below */
const draw = (below) => Math.floor(Math.random() * below);
const aText = () => {
  const seed = draw(500); // the same texts come again and again
  return Array.from(
    { length: 1 + (seed % 50) },
    (_, index) => vocabulary[(seed * 7919 + index * 104_729) % vocabulary.length],
  ).join(' ');
};

/** @param {string} text @param {number | undefined} p of the class `yes` */
function check(text, p) {
  const first = firstAnswers.get(text) ?? p;
  if (p === undefined || first === undefined || !(Math.abs(p - first) < 1e-6)) {
    throw new Error(`${text}: ${p}, and before that ${first}`);
  }
  firstAnswers.set(text, first);
}

/** @param {string} path @param {unknown} body @param {Record<string, string>} headers */
async function post(path, body, headers = {}) {
  const bytes = body instanceof Uint8Array ? body : JSON.stringify(body);
  const type = { 'content-type': 'application/json' };
  return fetch(url + path, { method: 'POST', headers: { ...type, ...headers }, body: bytes });
}

/** @param {Response} response @param {number} status */
async function expectStatus(response, status) {
  const text = await response.text();
  if (response.status !== status) throw new Error(`${response.status} instead of ${status}: ${text}`);
  return text;
}

/** @param {string} text */
const textInput = (text) => ({ name: 'text', datatype: 'BYTES', shape: [1], data: [text] });
const onlyProbabilities = [{ name: 'probabilities' }];

const root = protobuf.parse(`
  syntax = "proto3"; package inference;
  message Parameter { oneof choice { bool bool_param = 1; int64 int64_param = 2; } }
  message Contents { repeated bytes bytes_contents = 8; }
  message Input { string name = 1; string datatype = 2; repeated int64 shape = 3; Contents contents = 5; }
  message Output { string name = 1; }
  message Request { string model_name = 1; map<string, Parameter> parameters = 4; repeated Input inputs = 5; repeated Output outputs = 6; }
  message Response { repeated bytes raw_output_contents = 6; }
`).root;
const [requestType, responseType] = ['Request', 'Response'].map((name) => root.lookupType(`inference.${name}`));
const client = new Client(grpcAddress, credentials.createInsecure());

/** @param {string} text @param {object} parameters @returns {Promise<number>} */
function inferByGrpc(text, parameters = {}) {
  const input = { name: 'text', datatype: 'BYTES', shape: [1], contents: { bytesContents: [Buffer.from(text)] } };
  const request = { modelName: 'kept', parameters, inputs: [input], outputs: onlyProbabilities };
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      '/inference.GRPCInferenceService/ModelInfer',
      (value) => Buffer.from(requestType.encode(requestType.fromObject(value)).finish()),
      (bytes) => responseType.decode(bytes),
      request,
      new Metadata(),
      { deadline: Date.now() + 60_000 },
      (error, answer) => (error ? reject(error) : resolve(Buffer.from(answer?.rawOutputContents[0]).readFloatLE())),
    );
  });
}

const tasks = {
  async classify() {
    const text = aText();
    const answer = await expectStatus(await post('/v1/classify', { model: 'kept', text }), 200);
    check(text, JSON.parse(answer).predictions[0].scores.yes);
  },
  async explain() {
    const text = aText();
    const answer = await expectStatus(await post('/v1/classify', { model: 'kept', text, explain: true }), 200);
    check(text, JSON.parse(answer).predictions[0].scores.yes);
  },
  async infer() {
    const text = aText();
    const body = { inputs: [textInput(text)], outputs: onlyProbabilities };
    const answer = await expectStatus(await post('/v2/models/kept/infer', body), 200);
    check(text, JSON.parse(answer).outputs[0].data[0]);
  },
  async packed() {
    const text = aText();
    const body = gzipSync(JSON.stringify({ inputs: [textInput(text)], outputs: onlyProbabilities }));
    const response = await post('/v2/models/kept/infer', body, { 'content-encoding': 'gzip' });
    check(text, JSON.parse(await expectStatus(response, 200)).outputs[0].data[0]);
  },
  async binary() {
    const text = aText();
    const bytes = Buffer.from(text);
    const { data: _, ...input } = textInput(text);
    const head = JSON.stringify({
      inputs: [{ ...input, parameters: { binary_data_size: bytes.length + 4 } }],
      outputs: [{ name: 'probabilities', parameters: { binary_data: true } }],
    });
    const length = Buffer.alloc(4);
    length.writeUInt32LE(bytes.length);
    const body = Buffer.concat([Buffer.from(head), length, bytes]);
    const response = await post('/v2/models/kept/infer', body, {
      'inference-header-content-length': String(Buffer.byteLength(head)),
    });
    const answer = Buffer.from(await response.arrayBuffer());
    check(text, answer.readFloatLE(answer.length - 4));
  },
  async grpc() {
    const text = aText();
    check(text, await inferByGrpc(text));
  },
  async piece() {
    const id = 1 + draw(idle);
    const word = vocabulary[draw(vocabulary.length)] ?? '';
    const body = { inputs: [textInput(word)], outputs: onlyProbabilities };
    await expectStatus(
      await post('/v2/models/kept/infer', { ...body, parameters: { sequence_id: id, sequence_start: true } }),
      200,
    );
  },
  async pieces() {
    const [words, id] = [aText().split(' '), idle + 1 + draw(1e9)];
    const cut = words.length >> 1;
    const first = { sequence_id: { int64Param: id }, sequence_start: { boolParam: true } };
    await inferByGrpc(words.slice(0, cut).join(' '), first);
    const last = { sequence_id: { int64Param: id }, sequence_end: { boolParam: true } };
    check(words.join(' '), await inferByGrpc(words.slice(cut).join(' '), last));
  },
  async renewed() {
    await expectStatus(await post('/v1/classify', { model: 'renewed', texts: [aText(), aText(), aText()] }), 200);
  },
  async wrong() {
    const [path, body, status] = [
      ['/v2/models/none/infer', { inputs: [textInput('w1')] }, 404],
      ['/v2/models/kept/infer', { inputs: [{ ...textInput('w1'), shape: [2] }] }, 400],
      ['/v1/classify', Buffer.from('{"text":'), 400],
      ['/v2/repository/index', {}, 403],
    ][draw(4)] ?? ['', {}, 0];
    await expectStatus(await post(path, body), status);
  },
  async gone() {
    const signal = AbortSignal.timeout(1 + draw(10));
    const body = JSON.stringify({ model: 'kept', texts: Array.from({ length: 50 }, aText) });
    const headers = { 'content-type': 'application/json' };
    await fetch(`${url}/v1/classify`, { method: 'POST', headers, body, signal })
      .then(
        (response) => response.arrayBuffer(),
        () => {},
      )
      .catch(() => {});
  },
  async metrics() {
    await expectStatus(await fetch(`${url}/metrics`), 200);
  },
};
const names = Object.keys(tasks);

async function work() {
  while (going) {
    const name = names[draw(names.length)] ?? '';
    await tasks[name]?.();
    counts[name] = (counts[name] ?? 0) + 1;
  }
}

async function renew() {
  for (let seed = 3; going; seed++) {
    await delay(30_000, undefined, { ref: false });
    write('renewed.onnx', seed);
  }
}

/** @param {string} name */
async function metric(name) {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(new RegExp(`^${name}(?:\\{model="kept".*\\})? (\\S+)$`, 'm').exec(text)?.[1]);
}

// --- The watch.

for (let id = 1; id <= idle; id += 100) {
  await Promise.all(
    Array.from({ length: Math.min(100, idle - id + 1) }, async (_, index) => {
      const body = { inputs: [textInput('w1')], parameters: { sequence_id: id + index, sequence_start: true } };
      await expectStatus(await post('/v2/models/kept/infer', body), 200);
    }),
  );
}
const samples = [];
const began = performance.now();
const clients = Promise.all(Array.from({ length: Number(options.clients) }, work));
void renew();
let fault;
clients.catch((error) => {
  fault = error;
});
console.log('minute,requests,server_mib,model_mib,heap_mib,sequences');
const requests = () => Object.values(counts).reduce((sum, count) => sum + count, 0);
for (let minute = 0; minute < minutes && !fault; ) {
  await delay(Math.min(5000, minutes * 500));
  minute = (performance.now() - began) / 60_000;
  const sample = {
    minute,
    server: residentOf(server.pid ?? 0),
    model: kept.reduce((sum, pid) => sum + residentOf(pid), 0),
  };
  samples.push(sample);
  const [heap, sequences] = [await metric('nodejs_heap_size_used_bytes'), await metric('recurrent_sequences')];
  console.log(
    [
      minute.toFixed(2),
      requests(),
      sample.server.toFixed(1),
      sample.model.toFixed(1),
      (heap / 2 ** 20).toFixed(1),
      sequences,
    ].join(),
  );
}
going = false;
await clients.catch(() => {});
if (fault) console.error(fault);
client.close();
const alive = childrenOf(server.pid ?? 0);
const isSame = kept.every((pid) => alive.includes(pid));
server.kill('SIGTERM');
const [status] = await once(server, 'exit');
rmSync(folder, { recursive: true });

console.error(
  `${requests()} requests in ${minutes} minutes: ${names.map((name) => `${name} ${counts[name] ?? 0}`).join(', ')}`,
);
const verdicts = ['server', 'model'].map((part) => {
  const { level, growth, flat } = judgeMemory(
    samples.map((sample) => ({ minute: sample.minute, mib: sample[part] })),
    minutes,
  );
  console.error(
    `${part}: ${level.toFixed(1)} MiB, growth over ${minutes} minutes ${growth.toFixed(1)} MiB: ${flat ? 'flat' : 'not flat'}`,
  );
  return flat;
});
console.error(
  `the ${kept.length} processes of the model were ${isSame ? 'the same to the end' : 'lost'}; the server ended with status ${status}`,
);
process.exitCode = verdicts.every(Boolean) && isSame && status === 0 && !fault ? 0 : 1;
