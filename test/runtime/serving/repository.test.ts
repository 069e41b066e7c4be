/** What a server has and when: the model repository extension over REST, the start, the end, and models that fail. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { exportOnnx } from '../../../exporters/export.ts';
import type { TrainedModel } from '../../../models/model.ts';
import { startServer } from '../../../runtime/serving/server.ts';
import {
  expectError,
  expectedProbabilities,
  holdModels,
  mailModel,
  modelFolder,
  oneAtATime,
  processesOfModels,
  type Served,
  tolerance,
  topicModel,
  useServers,
  waitingRows,
  withSeed,
  writeModel,
} from '../../support/serving.ts';
import { modelOf } from '../../support/trained-model.ts';

const { start, keep } = useServers();

const index = (server: Served, body?: object) => server.ask('POST', '/v2/repository/index', body);
const control = (server: Served, model: string, action: string, body?: unknown) =>
  server.ask('POST', `/v2/repository/models/${model}/${action}`, body);
const infer = (server: Served, model: string, texts: readonly string[]) =>
  server.ask('POST', `/v2/models/${model}/infer`, {
    inputs: [{ name: 'text', datatype: 'BYTES', shape: [texts.length], data: texts }],
    outputs: [{ name: 'probabilities' }],
  });

describe('a server with --model-control', () => {
  it('lists, unloads and loads', async () => {
    const server = await start({ 'mail/1/model.onnx': mailModel, 'topics.onnx': topicModel }, { modelControl: true });
    const mail = { name: 'mail', version: '1', state: 'READY', reason: '' };
    const topics = { ...mail, name: 'topics' };
    expect((await index(server)).json).toEqual([mail, topics]);

    expect(await control(server, 'topics', 'unload')).toMatchObject({ status: 200, json: {} });
    const away = { ...topics, state: 'UNAVAILABLE', reason: 'unloaded' };
    expect((await index(server)).json).toEqual([mail, away]);
    expect((await index(server, { ready: true })).json).toEqual([mail]);
    expectError(await infer(server, 'topics', ['w1']), 'NOT_READY', /topics, version 1, is not available: unloaded/);
    const ready = await server.ask('GET', '/v2/models/topics/ready');
    expect({ ...ready, retry: ready.headers.get('retry-after') }).toMatchObject({
      status: 503,
      json: { name: 'topics', ready: false },
      retry: '1',
    });
    // What was taken out on purpose does not make the server unready.
    expect((await server.ask('GET', '/v2/health/ready')).status).toBe(200);

    // It is another file when it comes back.
    const newer = withSeed(topicModel, 99);
    await writeModel(join(server.folder, 'topics.onnx'), newer);
    expect(await control(server, 'topics', 'load', {})).toMatchObject({ status: 200, json: {} });
    expect((await index(server)).json).toEqual([mail, topics]);
    const { json } = await infer(server, 'topics', ['w1 w2']);
    for (const [at, p] of expectedProbabilities(newer, ['w1 w2']).flat().entries())
      expect(Math.abs(json.outputs[0].data[at] - p)).toBeLessThan(tolerance);
  });

  it('stays without a model that was unloaded, however often it looks at the files', async () => {
    const server = await start({ 'mail.onnx': mailModel }, { modelControl: true, reloadSeconds: 0.02 });
    await control(server, 'mail', 'unload');
    await delay(150);
    expect((await index(server)).json[0].state).toBe('UNAVAILABLE');

    // Once it is loaded again, its files are looked at again.
    await control(server, 'mail', 'load');
    const loaded = () => server.log.filter(({ msg }) => msg === 'model loaded').length;
    const before = loaded();
    await writeModel(join(server.folder, 'mail.onnx'), withSeed(mailModel, 99));
    await expect.poll(loaded).toBeGreaterThan(before);
  });

  it('takes as versions whole numbers above 0 only, as their names are written', async () => {
    const paths = ['1', '0', '02', '3x', '-4', '5.0', 'six', '.7'].map((version) => `mail/${version}/model.onnx`);
    const server = await start(Object.fromEntries(paths.map((path) => [path, mailModel])), { modelControl: true });
    expect((await index(server)).json).toMatchObject([{ name: 'mail', version: '1' }]);
  });

  it('refuses what it does not know or take', async () => {
    const server = await start({ 'mail.onnx': mailModel }, { modelControl: true });
    for (const action of ['load', 'unload']) {
      for (const name of ['none', '..%2Fmail', '%2Fetc%2Fpasswd', 'mail.onnx']) {
        expectError(await control(server, name, action), 'MODEL_UNKNOWN', /there is no model/);
      }
      const other = { parameters: { config: '{}' } };
      expectError(await control(server, 'mail', action, other), 'REQUEST_INVALID', /config/);
      expectError(await control(server, 'mail', action, '{"'), 'REQUEST_INVALID', /no JSON/);
    }
    expectError(await index(server, { ready: 'yes' }), 'REQUEST_INVALID', /ready/);
    expect((await infer(server, 'mail', ['w1'])).status).toBe(200);
    expect((await control(server, 'mail', 'unload', { parameters: { unload_dependents: true } })).status).toBe(200);
  });
});

it('a server without leave for it lets nobody manage its models, and says how to', async () => {
  const server = await start({ 'mail.onnx': mailModel });
  for (const path of ['index', 'models/mail/load', 'models/mail/unload', 'models/none/load']) {
    for (const body of [undefined, {}, '{"']) {
      const answer = await server.ask('POST', `/v2/repository/${path}`, body);
      expectError(answer, 'MODEL_CONTROL_OFF', /Start it with --model-control/);
    }
  }
  expect((await infer(server, 'mail', ['w1'])).status).toBe(200);
});

it('a start is live at once, and ready when every model is warm', async () => {
  const folder = await modelFolder({ 'mail.onnx': mailModel, 'topics.onnx': topicModel });
  let url = '';
  const logger = pino({}, { write: (line: string) => (url ||= /listening at (http:[^"]+)/.exec(line)?.[1] ?? '') });
  const starting = startServer(folder, { ...oneAtATime, port: 0 }, { logger });
  const get = async (path: string) => {
    const response = await fetch(`${url}${path}`);
    return { status: response.status, retry: response.headers.get('retry-after'), json: await response.json() };
  };
  // The process of the first model is met before it has been told anything: this one looks at each of its turns.
  while (processesOfModels().length === 0) await new Promise((resolve) => setImmediate(resolve));
  const letGoOn = holdModels();
  expect(await get('/v2/health/live')).toMatchObject({ json: { live: true } });
  expect(await get('/v2/health/ready')).toEqual({ status: 503, retry: '1', json: { ready: false } });
  expect(await get('/v2/models/mail/ready')).toMatchObject({ status: 503, json: { name: 'mail', ready: false } });
  // The second waits for the first: it is being loaded, too, and not unknown.
  for (const model of ['mail', 'topics']) {
    expect(await get(`/v2/models/${model}`)).toMatchObject({ status: 503, retry: '1', json: { code: 'NOT_READY' } });
  }
  letGoOn();
  keep(await starting);
  expect(await get('/v2/health/ready')).toEqual({ status: 200, retry: null, json: { ready: true } });
});

it('a server that stops tells clients who are connected so, in the form of every error', async () => {
  const server = await start({ 'mail.onnx': mailModel }, oneAtATime);
  const { hostname, port } = new URL(server.url);
  const talk = async (path: string) => {
    const socket = connect(Number(port), hostname); // has sent nothing yet when the end begins
    await once(socket, 'connect');
    return async () => {
      let heard = '';
      socket.on('data', (chunk) => {
        heard += chunk;
      });
      socket.write(`GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`);
      await once(socket, 'close');
      return heard;
    };
  };
  const [model, ready] = [await talk('/v2/models/mail'), await talk('/v2/health/ready')];
  const silent = connect(Number(port), hostname);
  await once(silent, 'connect');
  const letGoOn = holdModels();
  const waits = infer(server, 'mail', ['w1', 'w2']); // the end waits for it
  await expect.poll(() => waitingRows(server)).toBe(1);
  const closed = server.close();
  const told = await model();
  expect(told).toMatch(/^HTTP\/1\.1 503 .*retry-after: 1\r\n.*"code":"NOT_READY","id":/s);
  expect(await ready()).toMatch(/^HTTP\/1\.1 503 .*retry-after: 1\r\n.*\{"ready":false\}/s);
  letGoOn();
  const last = await waits;
  expect({ status: last.status, connection: last.headers.get('connection') }).toEqual({
    status: 200,
    connection: 'close',
  });
  const answered = performance.now();
  await closed;
  // Nor for whoever is connected and asks nothing, for as long as requests may take.
  expect(performance.now() - answered).toBeLessThan((oneAtATime.timeoutSeconds * 1000) / 2);
  if (!silent.closed) await once(silent, 'close');
});

it('a server that stops answers what came while it was busy with other things', async () => {
  async function heardOfOne(): Promise<string> {
    const server = await start({ 'mail.onnx': mailModel });
    const { hostname, port } = new URL(server.url);
    const socket = connect(Number(port), hostname).on('error', () => {});
    let heard = '';
    socket.on('data', (chunk) => {
      heard += chunk;
    });
    await once(socket, 'connect');
    await index(server); // so it knows of the connection
    const closed = server.close();
    await new Promise((resolve) => setImmediate(resolve)); // the end has begun
    socket.write('GET /v2/health/ready HTTP/1.1\r\nhost: x\r\n\r\n');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300); // longer than it waits for those who are silent
    await closed;
    if (!socket.closed) await once(socket, 'close');
    return heard;
  }
  // Where this process stood still before it wrote, the end had come.
  let heard = await heardOfOne();
  for (let again = 0; heard === '' && again < 2; again++) heard = await heardOfOne();
  expect(heard).toMatch(/^HTTP\/1\.1 503 /);
});

it('a server that stops waits no longer for a body than for any request', async () => {
  const server = await start({ 'mail.onnx': mailModel }, { timeoutSeconds: 0.4 });
  const { hostname, port } = new URL(server.url);
  const slow = connect(Number(port), hostname).on('error', () => {});
  slow.write('POST /v1/classify HTTP/1.1\r\nhost: x\r\ncontent-length: 20\r\n\r\n{"te');
  await once(slow, 'connect');
  await index(server); // what came before it has been read
  await server.close(); // Node alone would wait for ever
});

describe('a model whose numbers are not finite', () => {
  /** Text w2 makes it infinite, any other does not. */
  const model = ((): TrainedModel => {
    const made = modelOf([
      { type: 'embedding', inputDim: 30, outputDim: 1, maskZero: true },
      { type: 'simpleRnn', units: 1, activation: 'relu' },
      { type: 'dense', units: 1, activation: 'sigmoid' },
    ]);
    for (const { data } of made.weights.values()) data.fill(1);
    made.weights.get(table(made))?.data.fill(1e38, 2, 3);
    return { ...made, labels: ['ham', 'spam'] };
  })();

  it('ends a request at its first bad row: the others need not run', async () => {
    const server = await start({ 'mail.onnx': exportOnnx(model) }, { maxBatch: 1 });
    const answer = await infer(server, 'mail', ['w2 w2 w2 w2 w2', ...Array<string>(100).fill('w1 w3')]);
    expectError(answer, 'RUNTIME_FAILED', /the model gave/);
    const metrics = async () => `${(await server.ask('GET', '/metrics')).bytes}`;
    await expect.poll(metrics).toMatch(/^nv_inference_pending_request_count\{.*\} 0$/m);
    const [, batches] = /^nv_inference_exec_count\{.*\} (\d+)$/m.exec(await metrics()) ?? [];
    expect(Number(batches)).toBeLessThan(50);
  });

  it('is a 500 under an id that is in the log, never null, and costs its batch mates nothing', async () => {
    const server = await start({ 'mail.onnx': exportOnnx(model) }, { maxDelayMs: 10_000, maxBatch: 2 });
    const [good, bad] = await Promise.all([infer(server, 'mail', ['w1']), infer(server, 'mail', ['w2 w2 w2 w2 w2'])]);
    expect(good.status).toBe(200);
    expectError(bad, 'RUNTIME_FAILED', /the model gave (Infinity|NaN)/);
    const line = server.log.find(({ level, reqId }) => level === 50 && reqId === bad.json.id);
    expect(line).toMatchObject({ code: 'RUNTIME_FAILED', msg: 'a request failed' });
  });
});

function table({ weights }: TrainedModel): string {
  const [name] = [...weights.keys()].filter((each) => /embeddings/.test(each));
  return name ?? expect.fail('no table of embeddings');
}
