/** `recurrent serve`: what it prints and how it is stopped, as a process of its own; what it refuses, mostly without one. */
import { once } from 'node:events';
import { mkdir, truncate, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { catalogue, type ErrorCode } from '../../src/core/errors.ts';
import { mailModel, topicModel, writeModel } from '../support/serving.ts';
import { cliRefusal, outcomeOf, refusalHere, startCli, useCli } from './run-cli.ts';

const place = useCli();
const at = (name: string) => join(place.folder, name);

beforeAll(async () => {
  await writeModel(at('mail.onnx'), mailModel);
  await writeModel(at('models/mail/1/model.onnx'), mailModel);
  await writeModel(at('models/topics.onnx'), topicModel);
  await writeModel(at('cut.onnx'), mailModel);
  await truncate(at('cut.onnx'), 700);
  await writeFile(at('key.txt'), 'the-key-of-this-test\n');
  await writeFile(at('short.txt'), 'short\n');
  await mkdir(at('empty'));
});

/** The model in the server's own process: one to start instead of three. */
const here = ['--isolation', 'none'];

/** Starts it on a free port, and waits for its first line on standard output. */
async function start(...args: string[]) {
  const child = startCli(['serve', ...args, '--port', '0', '--provider', 'cpu']);
  child.stdin.end();
  const outcome = outcomeOf(child);
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk;
  });
  const ended = once(child, 'close');
  while (!said.includes('\n')) await Promise.race([once(child.stdout, 'data'), ended.then(() => expect.fail(said))]);
  return { child, outcome, said };
}

const classify = (url: string) =>
  fetch(`${url}/v1/classify`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ text: 'w1 w2' }),
  });

/** The log: a line of JSON each. */
const logOf = (stderr: string) =>
  stderr
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

describe('recurrent serve', () => {
  it('with --json prints one object once it is ready, logs lines of JSON, wants its key, and ends with 0', async () => {
    const key = 'the-key-of-this-test';
    const { child, outcome, said } = await start(
      at('models'),
      ...['--grpc-port', '0', '--json', '--api-key-file', at('key.txt')],
    );
    const { url, grpcAddress, models } = JSON.parse(said);
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(grpcAddress).toMatch(/^127\.0\.0\.1:\d+$/);
    expect(models).toEqual([
      { name: 'mail', version: 1, path: at('models/mail/1/model.onnx'), providers: ['cpu'] },
      { name: 'topics', version: 1, path: at('models/topics.onnx'), providers: ['cpu'] },
    ]);
    expect((await fetch(`${url}/v2/models/mail`)).status).toBe(401);
    const answer = await fetch(`${url}/v2/models/mail`, { headers: { authorization: `Bearer ${key}` } });
    const id = answer.headers.get('x-request-id');
    expect(answer.status).toBe(200);
    child.kill('SIGTERM');
    const { status, stdout, stderr } = await outcome;
    expect({ status, stdout }).toEqual({ status: 0, stdout: said });
    const log = logOf(stderr);
    expect(log.find(({ msg }) => msg === 'model loaded')).toMatchObject({ model: 'mail', provider: 'cpu: as asked' });
    expect(log.find(({ reqId }) => reqId === id)).toMatchObject({ path: '/v2/models/mail', status: 200 });
    expect(log.at(-1)).toMatchObject({ level: 30, msg: 'stopped', time: expect.stringMatching(/^\d{4}-\d\d-\d\dT/) });
    expect(stdout + stderr).not.toContain(key);
  });

  it('tells people where it is, and is quiet when it is asked to be', async () => {
    const { child, outcome, said } = await start(at('mail.onnx'), '--quiet', '--name', 'letters', ...here);
    expect(said).toMatch(/^Serving letters \(version 1\) at http:\/\/127\.0\.0\.1:\d+\nCtrl-C stops\.\n$/);
    child.kill('SIGINT');
    expect(await outcome).toMatchObject({ status: 0, stderr: '' });
  });

  it('on SIGTERM in traffic answers all that it has taken, and ends with 0', async () => {
    const open = ['--host', '0.0.0.0', '--log-level', 'silent'];
    const { child, outcome, said } = await start(at('mail.onnx'), '--json', '--max-delay-ms', '30', ...open);
    const { url } = JSON.parse(said);
    const statuses: number[] = [];
    /** Asks until nothing listens any more. */
    const client = async () => {
      for (;;) {
        const answer = await classify(url).catch((error: { cause?: { code?: string } }) => error.cause?.code);
        if (answer instanceof Response) {
          statuses.push(answer.status);
          await answer.json(); // whole, or this throws
        } else {
          // Not answered at all: only before it was taken.
          expect(answer).toMatch(/ECONNREFUSED|ECONNRESET|EPIPE|UND_ERR_SOCKET/);
          return;
        }
      }
    };
    const clients = Promise.all(Array.from({ length: 8 }, client));
    await expect.poll(() => statuses.length).toBeGreaterThan(16);
    child.kill('SIGTERM');
    const { status, stderr } = await outcome;
    await clients;
    expect(status).toBe(0);
    expect(statuses.filter((each) => each !== 200 && each !== 503)).toEqual([]);
    // It is open to the world without a key.
    expect(stderr).toMatch(/^Anybody who reaches http:\/\/0\.0\.0\.0:\d+ can use it: [^\n]+\n$/);
  });

  it('by a second signal ends at once, with 130', async () => {
    const { child, outcome, said } = await start(at('mail.onnx'), '--json', ...here);
    const { hostname, port } = new URL(JSON.parse(said).url);
    const slow = connect(Number(port), hostname); // the drain waits for the rest of its body
    slow.write('POST /v1/classify HTTP/1.1\r\nhost: x\r\ncontent-length: 20\r\n\r\n{"te');
    const lost = once(slow, 'close');
    await once(slow, 'connect');
    for (let turn = 0; turn < 2; turn++) await (await fetch(`http://${hostname}:${port}/v2`)).json(); // so it was read
    let over = false;
    child.once('exit', () => {
      over = true;
    });
    // Two within half a second are one, by the clock of a process that hears them when it can.
    for (; !over; await delay(700)) child.kill('SIGTERM');
    expect(await outcome).toMatchObject({ status: 130, stderr: expect.stringContaining('INTERRUPTED') });
    await lost;
  });

  it('that is refused says so in one object of JSON on standard error, beside its log', async () => {
    // Behind its log, however slowly that is written.
    const env = { NODE_OPTIONS: `--import ${new URL('./slow-log.mjs', import.meta.url).href}` };
    const error = await cliRefusal(['serve', at('cut.onnx'), '--port', '0'], 2, { env });
    expect(error.code).toBe('ONNX_INVALID');
  });
});

describe('is refused', () => {
  const refusal = (...args: string[]) => {
    const port = args.includes('--port') ? [] : ['--port', '0'];
    return refusalHere(['serve', ...args, ...port, '--log-level', 'silent']);
  };

  it.each<[string[], ErrorCode, RegExp]>([
    [['none.onnx'], 'FILE_NOT_FOUND', /none\.onnx/],
    [['empty'], 'FILE_NOT_FOUND', /holds no model/],
    [['mail.onnx', '--port', '70000'], 'OPTION_INVALID', /--port/],
    [['mail.onnx', '--surprise'], 'OPTION_UNKNOWN', /--surprise/],
    [['mail.onnx', '--api-key-file', 'short.txt'], 'OPTION_INVALID', /shorter than 16/],
    [['mail.onnx', '--tls-cert', 'key.txt'], 'OPTION_INVALID', /--tls-key/],
    [['mail.onnx', '--tls-cert', 'key.txt', '--tls-key', 'key.txt'], 'OPTION_INVALID', /TLS: .*PEM/],
    [['mail.onnx', '--device', '1'], 'OPTION_UNSUPPORTED', /cuda/],
    [['mail.onnx', '--provider', 'cpu', '--strict-provider'], 'OPTION_UNSUPPORTED', /profile/],
  ])('%j', async (args, code, says) => {
    const placed = args.map((each) => (/^(empty|.*\.(onnx|txt))$/.test(each) ? at(each) : each));
    expect(await refusal(...placed)).toMatchObject({ code, message: expect.stringMatching(says) });
    expect(catalogue[code].exit).toBe(2);
  });

  it('where the port is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as { port: number };
    const taken = { code: 'LISTEN_FAILED', hint: expect.stringContaining('--port') };
    expect(await refusal(at('mail.onnx'), '--port', String(port))).toMatchObject(taken);
    const grpc = { ...taken, hint: expect.stringContaining('--grpc-port') };
    expect(await refusal(at('mail.onnx'), '--grpc-port', String(port))).toMatchObject(grpc);
    expect(catalogue.LISTEN_FAILED.exit).toBe(1);
    other.close();
  });
});
