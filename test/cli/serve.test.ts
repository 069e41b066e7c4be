/** `recurrent serve` as a process of its own: what it prints, how it is stopped, what it refuses. */
import { once } from 'node:events';
import { mkdir, truncate, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { mailModel, topicModel, writeModel } from '../support/serving.ts';
import { cli, cliRefusal, outcomeOf, startCli, useCli } from './run-cli.ts';

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

const classify = (url: string, headers = {}) =>
  fetch(`${url}/v1/classify`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ text: 'w1 w2' }),
  });

/** The log: a line of JSON each. */
const logOf = (stderr: string) =>
  stderr
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

describe('recurrent serve', () => {
  it('with --json prints one object once it is ready, logs lines of JSON, and ends with 0', async () => {
    const { child, outcome, said } = await start(at('models'), '--grpc-port', '0', '--json');
    const { url, grpcAddress, models } = JSON.parse(said);
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(grpcAddress).toMatch(/^127\.0\.0\.1:\d+$/);
    expect(models).toEqual([
      { name: 'mail', version: 1, path: at('models/mail/1/model.onnx'), providers: ['cpu'] },
      { name: 'topics', version: 1, path: at('models/topics.onnx'), providers: ['cpu'] },
    ]);
    const answer = await fetch(`${url}/v2/models/mail`);
    const id = answer.headers.get('x-request-id');
    expect(answer.status).toBe(200);
    child.kill('SIGTERM');
    const { status, stdout, stderr } = await outcome;
    expect({ status, stdout }).toEqual({ status: 0, stdout: said });
    const log = logOf(stderr);
    expect(log.find(({ msg }) => msg === 'model loaded')).toMatchObject({ model: 'mail', provider: 'cpu: as asked' });
    expect(log.find(({ reqId }) => reqId === id)).toMatchObject({ path: '/v2/models/mail', status: 200 });
    expect(log.at(-1)).toMatchObject({ level: 30, msg: 'stopped', time: expect.stringMatching(/^\d{4}-\d\d-\d\dT/) });
  });

  it('tells people where it is, and is quiet when it is asked to be', async () => {
    const { child, outcome, said } = await start(at('mail.onnx'), '--quiet', '--name', 'letters');
    expect(said).toMatch(/^Serving letters \(version 1\) at http:\/\/127\.0\.0\.1:\d+\nCtrl-C stops\.\n$/);
    child.kill('SIGINT');
    expect(await outcome).toMatchObject({ status: 0, stderr: '' });
  });

  it('on SIGTERM in traffic answers all that it has taken, and ends with 0', async () => {
    const { child, outcome, said } = await start(at('mail.onnx'), '--json', '--max-delay-ms', '30');
    const { url } = JSON.parse(said);
    const statuses: number[] = [];
    let refused = 0;
    let going = true;
    const clients = Array.from({ length: 8 }, async () => {
      while (going) {
        try {
          const answer = await classify(url);
          statuses.push(answer.status);
          await answer.json(); // whole, or this throws
        } catch (error) {
          // Not answered at all: only before it was taken, when nothing listens any more.
          expect((error as { cause?: { code?: string } }).cause?.code).toMatch(
            /ECONNREFUSED|ECONNRESET|UND_ERR_SOCKET/,
          );
          refused++;
          return;
        }
      }
    });
    await delay(300);
    child.kill('SIGTERM');
    const { status } = await outcome;
    going = false;
    await Promise.all(clients);
    expect(status).toBe(0);
    expect(statuses.length).toBeGreaterThan(8);
    expect(statuses.filter((each) => each !== 200 && each !== 503)).toEqual([]);
    expect(refused).toBeGreaterThan(0);
  });

  it('by a second signal ends at once, with 130', async () => {
    const { child, outcome, said } = await start(at('mail.onnx'), '--json');
    const { hostname, port } = new URL(JSON.parse(said).url);
    const slow = connect(Number(port), hostname); // the drain waits for the rest of its body
    slow.write('POST /v1/classify HTTP/1.1\r\nhost: x\r\ncontent-length: 20\r\n\r\n{"te');
    const lost = once(slow, 'close');
    await delay(200);
    child.kill('SIGTERM');
    await delay(700); // two within half a second are one
    child.kill('SIGTERM');
    expect(await outcome).toMatchObject({ status: 130, stderr: expect.stringContaining('INTERRUPTED') });
    await lost;
  });

  it('wants the key of --api-key-file', async () => {
    const { child, outcome, said } = await start(at('mail.onnx'), '--json', '--api-key-file', at('key.txt'));
    const { url } = JSON.parse(said);
    expect((await classify(url)).status).toBe(401);
    expect((await classify(url, { authorization: 'Bearer the-key-of-this-test' })).status).toBe(200);
    child.kill('SIGTERM');
    expect(JSON.stringify(await outcome)).not.toContain('the-key-of-this-test');
  });

  it('warns who opens it to the world without a key', async () => {
    const { child, outcome } = await start(at('mail.onnx'), '--host', '0.0.0.0', '--log-level', 'silent');
    child.kill('SIGTERM');
    expect((await outcome).stderr).toMatch(/Anybody who reaches http:\/\/0\.0\.0\.0:\d+ can use it/);
  });

  it('shows examples with --help', async () => {
    const { status, stdout } = await cli(['serve', '--help']);
    expect(status).toBe(0);
    expect(stdout.match(/^ +\$ recurrent serve \S.*$/gm)?.length).toBeGreaterThanOrEqual(4);
    for (const option of ['--provider', '--device', '--max-delay-ms', '--grpc-port', '--api-key-file']) {
      expect(stdout).toContain(option);
    }
  });
});

describe('is refused', () => {
  it.concurrent.each<[string[], number, string, RegExp]>([
    [['none.onnx'], 2, 'FILE_NOT_FOUND', /none\.onnx/],
    [['empty'], 2, 'FILE_NOT_FOUND', /holds no model/],
    [['cut.onnx'], 2, 'ONNX_INVALID', /./],
    [['mail.onnx', '--port', '70000'], 2, 'OPTION_INVALID', /--port/],
    [['mail.onnx', '--surprise'], 2, 'OPTION_UNKNOWN', /--surprise/],
    [['mail.onnx', '--api-key-file', 'short.txt'], 2, 'OPTION_INVALID', /shorter than 16/],
    [['mail.onnx', '--tls-cert', 'key.txt'], 2, 'OPTION_INVALID', /--tls-key/],
    [['mail.onnx', '--tls-cert', 'key.txt', '--tls-key', 'key.txt'], 2, 'OPTION_INVALID', /TLS: .*PEM/],
    [['mail.onnx', '--device', '1'], 2, 'OPTION_UNSUPPORTED', /cuda/],
    [['mail.onnx', '--provider', 'cpu', '--strict-provider'], 2, 'OPTION_UNSUPPORTED', /profile/],
  ])('%j', async (args, status, code, says) => {
    const port = args.includes('--port') ? [] : ['--port', '0'];
    const error = await cliRefusal(['serve', ...args, ...port], status, { cwd: place.folder });
    expect(error).toMatchObject({ code, message: expect.stringMatching(says) });
  });

  it('where the port is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as { port: number };
    for (const option of ['--port', '--grpc-port']) {
      const args = ['serve', at('mail.onnx'), '--port', '0', option, String(port)];
      expect(await cliRefusal(args, 1)).toMatchObject({ code: 'LISTEN_FAILED', hint: expect.stringContaining(option) });
    }
    other.close();
  });
});
