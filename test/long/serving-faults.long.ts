/**
 * A server for minutes under load with every fault at once: processes of its models killed, aborted and stopped, its file
 * replaced and spoilt, its queue filled, slow clients, clients that leave, and bytes that are nothing. Every answer is
 * right or says what was lost; afterwards all is as it was, and nothing is left behind.
 *
 * RECURRENT_FAULT_SECONDS: how long (60).
 */
import { rename, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import {
  type Answer,
  expectedProbabilities,
  mailModel,
  processesOfModels,
  type Served,
  serve,
  tolerance,
  withSeed,
  writeModel,
} from '../support/serving.ts';

const seconds = Number(process.env.RECURRENT_FAULT_SECONDS ?? 60);
const workers = 2;
const models = [mailModel, withSeed(mailModel, 99)] as const;
const texts = ['w1 w2 w3', 'w4', 'w5 w6 w7 w8 w9 w10', ''];
const expected = models.map((model) => expectedProbabilities(model, texts).flat());

/** What a refusal may be while all this goes on. */
const refusals: Readonly<Record<string, number>> = { RUNTIME_LOST: 503, DEADLINE_EXCEEDED: 504, QUEUE_FULL: 429 };

function check({ status, headers, json }: Answer): void {
  if (status !== 200) {
    expect(refusals[json.code]).toBe(status);
    if (status !== 504) expect(headers.get('retry-after')).toBe('1');
    return;
  }
  const given: number[] = json.predictions.map(({ scores }: { scores: { spam: number } }) => scores.spam);
  const near = (values: readonly number[]) =>
    values.every((p, row) => Math.abs(p - (given[row] ?? Number.NaN)) < tolerance);
  expect(expected.some(near)).toBe(true); // one of the two models, and all of it
}

const classify = (server: Served, more: object = {}) => server.ask('POST', '/v1/classify', { texts, ...more });
const draw = (below: number) => Math.floor(Math.random() * below);

function faultsOf(server: Served): (() => Promise<void>)[] {
  const file = join(server.folder, 'mail.onnx');
  const signal = (name: NodeJS.Signals) => async () => {
    const pids = processesOfModels();
    const pid = pids[draw(pids.length)];
    if (pid !== undefined) process.kill(pid, name);
  };
  const replace = (write: (path: string) => Promise<void>) => async () => {
    await write(join(server.folder, '.fresh'));
    await rename(join(server.folder, '.fresh'), file);
  };
  const say = async (bytes: string) => {
    const { hostname, port } = new URL(server.url);
    const socket = connect(Number(port), hostname).on('error', () => {});
    socket.write(bytes);
    await delay(draw(3000));
    socket.destroy();
  };
  return [
    signal('SIGKILL'),
    signal('SIGABRT'),
    signal('SIGSTOP'),
    replace((path) => writeModel(path, models[0])),
    replace((path) => writeModel(path, models[1])),
    replace((path) => writeFile(path, 'no model')),
    () => say('POST /v1/classify HTTP/1.1\r\nhost: x\r\ncontent-length: 20\r\n\r\n{"te'),
    () => say('GET /v2 HTTP/1.1\r\nhost'),
    () => say('\x16\x03\x01\x02\0nothing at all\r\n\r\n'),
    async () => {
      const many = Array.from({ length: 100 }, (_, index) => `w${(index % 29) + 1}`);
      const answers = await Promise.all(Array.from({ length: 10 }, () => classify(server, { texts: many })));
      for (const { status } of answers) expect([200, 429, 503, 504]).toContain(status);
    },
    async () => {
      const signalOfClient = AbortSignal.timeout(1 + draw(20));
      const body = JSON.stringify({ texts });
      const headers = { 'content-type': 'application/json' };
      const sent = fetch(`${server.url}/v1/classify`, { method: 'POST', headers, body, signal: signalOfClient });
      await sent.then((response) => response.arrayBuffer()).catch(() => {});
    },
  ];
}

it(`gives no wrong answer and loses no connection in ${seconds} seconds of faults`, {
  timeout: seconds * 1000 + 120_000,
}, async () => {
  const server = await serve(
    { 'mail.onnx': mailModel },
    { isolation: 'process', workers, threads: 1, timeoutSeconds: 3, maxQueue: 400, reloadSeconds: 0.1 },
  );
  const counts: Record<string, number> = {};
  let going = true;
  const clients = Promise.all(
    Array.from({ length: 8 }, async () => {
      while (going) {
        const answer = await classify(server); // a connection that is lost throws
        check(answer);
        const name = answer.status === 200 ? 'right' : answer.json.code;
        counts[name] = (counts[name] ?? 0) + 1;
      }
    }),
  );
  const faults = faultsOf(server);
  const pending: Promise<void>[] = [];
  const until = performance.now() + seconds * 1000;
  while (performance.now() < until) {
    await Promise.race([delay(draw(1000)), clients]);
    pending.push((faults[draw(faults.length)] as () => Promise<void>)());
  }
  await Promise.all(pending);

  // All is as it was: a good file, both processes, and nothing but right answers.
  await writeModel(join(server.folder, 'mail.onnx'), mailModel);
  for (const pid of processesOfModels()) process.kill(pid, 'SIGCONT');
  await expect.poll(processesOfModels, { timeout: 20_000 }).toHaveLength(workers);
  await expect.poll(() => classify(server).then(({ status }) => status), { timeout: 20_000 }).toBe(200);
  await delay(4000); // what hung has been found by now
  going = false;
  await clients;
  for (let round = 0; round < 50; round++) {
    const answer = await classify(server);
    expect(answer.status).toBe(200);
    check(answer);
  }
  console.log(
    Object.entries(counts)
      .map(([name, count]) => `${name} ${count}`)
      .join(', '),
  );
  expect(counts.right).toBeGreaterThan(100);
  expect(server.log.filter(({ level, msg }) => level >= 50 && msg !== 'model not loaded')).toEqual([]);
  await server.close();
  expect(processesOfModels()).toEqual([]);
});
