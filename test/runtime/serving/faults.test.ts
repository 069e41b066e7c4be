/** Faults for real: processes killed, files replaced and spoilt, clients that are slow, gone or no clients at all. */
import { once } from 'node:events';
import { mkdir, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { exportOnnx } from '../../../exporters/export.ts';
import { startServer } from '../../../runtime/serving/server.ts';
import {
  askedTexts,
  classify,
  expectRightOrRefused,
  giverOf,
  holdModels,
  mailModel,
  metric,
  oneAtATime,
  processesOfModels,
  type Served,
  traffic,
  useServers,
  waitingRows,
  withSeed,
  writeModel,
} from '../../support/serving.ts';

const { start } = useServers();

/** Gives the only model of a server another file, at one stroke. */
async function replaceFile({ folder }: Served, contents: string | Uint8Array): Promise<void> {
  const fresh = join(folder, '.fresh.onnx'); // no model: it begins with a dot
  await writeFile(fresh, contents);
  await rename(fresh, join(folder, 'mail.onnx'));
}

describe('reload', () => {
  it('in traffic swaps whole models, and loses no request', async () => {
    const newer = withSeed(mailModel, 99);
    const server = await start({ 'mail.onnx': mailModel }, { reloadSeconds: 0.05 });
    const running = traffic(server, 4);
    await running.more(4);
    await replaceFile(server, exportOnnx(newer));
    await expect.poll(() => server.log.filter(({ msg }) => msg === 'model loaded').length).toBe(2);
    const ofNewer = giverOf(await classify(server), [mailModel, newer]);
    await running.more(8); // more than its clients: one of them at least was asked for since then
    await running.stop();
    expect(ofNewer).toBe(1);
    expect(running.answers.filter(({ status }) => status !== 200)).toEqual([]);
    const givers = running.answers.map((answer) => giverOf(answer, [mailModel, newer]));
    expect(new Set(givers)).toEqual(new Set([0, 1]));
  });

  it('of a file that is cut short, or none, leaves the old model serving and says why', async () => {
    const server = await start({ 'mail.onnx': mailModel }, { reloadSeconds: 0.05, modelControl: true });
    const file = join(server.folder, 'mail.onnx');
    const spoils = [() => truncate(file, 900), () => replaceFile(server, 'no model'), () => replaceFile(server, '')];
    for (const spoil of spoils) {
      const before = server.log.filter(({ msg }) => msg === 'model not loaded').length;
      await spoil();
      await expect.poll(() => server.log.filter(({ msg }) => msg === 'model not loaded').length).toBe(before + 1);
      expect(giverOf(await classify(server), [mailModel])).toBe(0);
      const { json } = await server.ask('POST', '/v2/repository/index');
      expect(json).toEqual([{ name: 'mail', version: '1', state: 'READY', reason: expect.stringMatching(/\w/) }]);
      expect((await server.ask('POST', '/v2/repository/models/mail/load')).status).toBe(400);
    }
    await writeModel(file, mailModel);
    await expect.poll(async () => (await server.ask('POST', '/v2/repository/index')).json[0].reason).toBe('');
  });

  it('of a new version that cannot be opened leaves the server ready, and the old version serving', async () => {
    const server = await start({ 'mail/1/model.onnx': mailModel }, { reloadSeconds: 0.05, modelControl: true });
    await mkdir(join(server.folder, 'mail/2'));
    await writeFile(join(server.folder, 'mail/2/model.onnx'), 'no model');
    const index = async () => (await server.ask('POST', '/v2/repository/index')).json;
    await expect.poll(index).toMatchObject([{ state: 'READY' }, { version: '2', state: 'UNAVAILABLE' }]);
    expect((await server.ask('GET', '/v2/health/ready')).status).toBe(200);
    expect(giverOf(await classify(server), [mailModel])).toBe(0);
    expect((await server.ask('GET', '/v2/models/mail/versions/2/ready')).status).toBe(503);
    expect(`${(await server.ask('GET', '/metrics')).bytes}`).toContain(
      'recurrent_model_ready{model="mail",version="2"} 0',
    );
  });

  it('of files that cannot be looked at is told once, and what is open goes on', async () => {
    const server = await start({ 'mail.onnx': mailModel }, { reloadSeconds: 0.02 });
    // A look that has found the file when it goes has a fault of its own, which is told, too.
    const empty = { level: 50, err: { message: expect.stringMatching(/holds no model/) } };
    const told = () =>
      server.log.filter(({ msg, err }) => /cannot be looked at/.test(msg) && /holds no/.test((err as Error).message));
    for (const times of [1, 2]) {
      await rm(join(server.folder, 'mail.onnx')); // and with it the folder holds no model
      await expect.poll(told).toHaveLength(times);
      await delay(100);
      expect(told()).toMatchObject(Array(times).fill(empty));
      expect(giverOf(await classify(server), [mailModel])).toBe(0);
      const loaded = server.log.filter(({ msg }) => msg === 'model loaded').length;
      await writeModel(join(server.folder, 'mail.onnx'), mailModel);
      await expect.poll(() => server.log.filter(({ msg }) => msg === 'model loaded').length).toBeGreaterThan(loaded);
    }
  });

  it('frees the processes of the model that is replaced, and the end those of all', async () => {
    const server = await start({ 'mail.onnx': mailModel }, { reloadSeconds: 0.05, isolation: 'process', workers: 1 });
    const [first] = processesOfModels();
    const loaded = () => server.log.filter(({ msg }) => msg === 'model loaded').length;
    await delay(200); // looked at and unchanged: not loaded again
    expect(loaded()).toBe(1);
    await replaceFile(server, exportOnnx(withSeed(mailModel, 99)));
    await expect.poll(loaded).toBe(2);
    await expect.poll(processesOfModels).toHaveLength(1);
    expect(processesOfModels()).not.toContain(first);
    await server.close();
    expect(processesOfModels()).toEqual([]);
  });

  it('finds new versions and models, and drops those that are gone', async () => {
    const server = await start({ 'mail/1/model.onnx': mailModel }, { reloadSeconds: 0.05 });
    const newer = withSeed(mailModel, 99);
    await writeModel(join(server.folder, 'mail/2/model.onnx'), newer);
    await expect.poll(async () => (await server.ask('GET', '/v2/models/mail')).json.versions).toEqual(['1', '2']);
    expect(giverOf(await classify(server), [newer])).toBe(0);
    await rm(join(server.folder, 'mail/1'), { recursive: true });
    await expect.poll(async () => (await server.ask('GET', '/v2/models/mail')).json.versions).toEqual(['2']);
    expect((await server.ask('GET', '/v2/health/ready')).status).toBe(200);
  });
});

describe('a process of a model under load', () => {
  it.each(['SIGKILL', 'SIGABRT', 'SIGSTOP'] as const)(
    'that gets %s costs its batch, with 503 or 504, and no wrong answer; another takes its place',
    async (signal) => {
      const hangs = signal === 'SIGSTOP'; // then it is the timeout that ends it
      const options = { isolation: 'process', threads: 1, timeoutSeconds: hangs ? 1 : 60 } as const;
      const server = await start({ 'mail.onnx': mailModel }, options);
      const running = traffic(server, 4);
      await running.more(4);
      for (const pid of processesOfModels()) process.kill(pid, signal);
      await expect.poll(() => metric(server, 'recurrent_processes_lost')).toBeGreaterThan(0);
      const whole = () => classify(server).then(({ status }) => status);
      await expect.poll(whole).toBe(200);
      await running.more(8);
      await running.stop();
      expect(await server.ask('GET', '/v2/health/ready')).toMatchObject({ status: 200 });
      expect(running.answers.some(({ status }) => status === 200)).toBe(true);
      for (const answer of running.answers) expectRightOrRefused(answer, [mailModel]);
      // Where nothing has so little time that a machine under load exceeds it, what goes on goes on whole.
      if (!hangs) expect(running.answers.at(-1)?.status).toBe(200);
    },
  );
});

describe('clients', () => {
  /** Writes to a fresh connection, and gives what comes back until it is closed. */
  async function talk({ url }: Served, ...pieces: readonly (string | Uint8Array)[]): Promise<string> {
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    let heard = '';
    socket.on('data', (chunk) => {
      heard += chunk;
    });
    socket.on('error', () => {});
    for (const piece of pieces) socket.write(piece);
    await once(socket, 'close');
    return heard;
  }

  it.each<[string, string | Uint8Array, RegExp]>([
    ['no HTTP', 'HELO\r\n\r\n', /^HTTP\/1\.1 400 .*REQUEST_INVALID/s],
    ['TLS where there is none', Buffer.from([22, 3, 1, 0, 200, 1, 0, 0, 196, 3, 3]), /^HTTP\/1\.1 400 /],
    ['headers that never end', `GET / HTTP/1.1\r\n${'x: y\r\n'.repeat(20_000)}`, /^HTTP\/1\.1 431 /],
    [
      'two lengths',
      'POST /v1/classify HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n',
      /^HTTP\/1\.1 400 /,
    ],
    [
      'a length and chunks',
      'POST /v1/classify HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n',
      /^HTTP\/1\.1 400 /,
    ],
    [
      'a length that is a lie',
      'POST /v1/classify HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999999\r\n\r\n',
      /^HTTP\/1\.1 413 /,
    ],
  ])('that send %s are told so, and others are served', async (_, bytes, says) => {
    const server = await start({ 'mail.onnx': mailModel });
    expect(await talk(server, bytes)).toMatch(says);
    expect((await server.ask('GET', '/v2/health/ready')).status).toBe(200);
  });

  it('that are slow are let go in time, headers or body', async () => {
    const server = await start({ 'mail.onnx': mailModel }, { timeoutSeconds: 0.5 });
    const before = performance.now();
    const slow = Promise.all([
      talk(server, 'GET /v2 HTTP/1.1\r\nhost'),
      talk(
        server,
        'POST /v1/classify HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 20\r\n\r\n{"te',
      ),
    ]);
    await expect.poll(async () => (await classify(server)).status).toBe(200); // half a second may be too little for it
    expect(await slow).toEqual([expect.stringMatching(/^HTTP\/1\.1 408 /), expect.stringMatching(/^HTTP\/1\.1 408 /)]);
    expect(performance.now() - before).toBeLessThan(30_000); // Node's own limits are 60 and 300 s
  });

  it('that leave in the middle of a body are no fault of the server', async () => {
    const server = await start({ 'mail.onnx': mailModel });
    const { hostname, port } = new URL(server.url);
    const socket = connect(Number(port), hostname);
    socket.write('POST /v1/classify HTTP/1.1\r\nhost: x\r\ncontent-length: 20\r\n\r\n{"te');
    await delay(50);
    socket.destroy();
    await delay(100);
    expect((await classify(server)).status).toBe(200);
    expect(server.log.filter(({ level }) => level >= 40)).toEqual([]);
  });

  it('that are gone take their rows with them', async () => {
    const server = await start({ 'mail.onnx': mailModel }, oneAtATime);
    const letGoOn = holdModels();
    const leaving = new AbortController();
    const gone = fetch(`${server.url}/v1/classify`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ texts: askedTexts }),
      signal: leaving.signal,
    }).catch(() => 'gone');
    await expect.poll(() => waitingRows(server)).toBe(askedTexts.length - 1); // one runs
    leaving.abort();
    expect(await gone).toBe('gone');
    await expect.poll(() => waitingRows(server)).toBe(0);
    letGoOn();
    expect(server.log.filter(({ level }) => level >= 40)).toEqual([]); // nobody's fault
  });
});

describe('an end', () => {
  it('answers what is there, takes nothing new, and comes once', async () => {
    const server = await start({ 'mail.onnx': mailModel }, oneAtATime);
    const letGoOn = holdModels();
    const asked = Array.from({ length: 5 }, () => classify(server));
    await expect.poll(() => waitingRows(server)).toBe(5 * askedTexts.length - 1); // all have come, one row runs
    const closed = Promise.all([server.close(), server.close()]);
    letGoOn();
    for (const answer of await Promise.all(asked)) giverOf(answer, [mailModel]);
    await closed;
    await expect(server.ask('GET', '/v2/health/live')).rejects.toThrow();
  });
});

describe('a start', () => {
  it('is refused where the port is taken, the folder empty or a model broken, and nothing is left listening', async () => {
    const server = await start({ 'mail.onnx': mailModel });
    const file = join(server.folder, 'mail.onnx');
    const port = Number(new URL(server.url).port);
    const refused = (source: string, options = {}) =>
      startServer(source, { port: 0, isolation: 'none', ...options }).then(
        () => expect.unreachable('it was to be refused'),
        ({ code }) => code,
      );
    expect(await refused(file, { port })).toBe('LISTEN_FAILED');
    expect(await refused(join(server.folder, 'none.onnx'))).toBe('FILE_NOT_FOUND');
    expect(await refused(file, { surprise: 1 })).toBe('OPTION_UNKNOWN');
    expect(await refused(file, { port: -1 })).toBe('OPTION_INVALID');
    expect(await refused(file, { name: '../x' })).toBe('OPTION_INVALID');
    expect(await refused(server.folder, { name: 'x' })).toBe('OPTION_INVALID');
    await writeFile(join(server.folder, 'broken.onnx'), 'no model');
    expect(await refused(server.folder)).toBe('ONNX_INVALID');
    await rm(file);
    await rm(join(server.folder, 'broken.onnx'));
    expect(await refused(server.folder)).toBe('FILE_NOT_FOUND');
  });
});
