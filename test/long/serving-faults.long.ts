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
  classify,
  expectRightOrRefused,
  mailModel,
  processesOfModels,
  type Served,
  serve,
  traffic,
  withSeed,
  writeModel,
} from '../support/serving.ts';

const seconds = Number(process.env.RECURRENT_FAULT_SECONDS ?? 60);
const workers = 2;
const models = [mailModel, withSeed(mailModel, 99)] as const;

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
      const answers = await Promise.all(
        Array.from({ length: 10 }, () => server.ask('POST', '/v1/classify', { texts: many })),
      );
      for (const { status } of answers) expect([200, 429, 503, 504]).toContain(status);
    },
    async () => {
      const signalOfClient = AbortSignal.timeout(1 + draw(20));
      const body = JSON.stringify({ text: 'w1 w2' });
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
  const running = traffic(server, 8);
  const faults = faultsOf(server);
  const pending: Promise<void>[] = [];
  const until = performance.now() + seconds * 1000;
  while (performance.now() < until) {
    await Promise.race([delay(draw(1000)), running.lost]);
    pending.push((faults[draw(faults.length)] as () => Promise<void>)());
  }
  await Promise.all(pending);

  // All is as it was: a good file, both processes, and nothing but right answers.
  await writeModel(join(server.folder, 'mail.onnx'), mailModel);
  for (const pid of processesOfModels()) process.kill(pid, 'SIGCONT');
  await expect.poll(processesOfModels, { timeout: 20_000 }).toHaveLength(workers);
  await expect.poll(() => classify(server).then(({ status }) => status), { timeout: 20_000 }).toBe(200);
  await delay(4000); // what hung has been found by now
  await running.stop();
  for (const answer of running.answers) expectRightOrRefused(answer, models);
  for (let round = 0; round < 50; round++) {
    const answer = await classify(server);
    expect(answer.status).toBe(200);
    expectRightOrRefused(answer, models);
  }
  const counts = countsOf(running.answers);
  console.log([...counts].map(([name, count]) => `${name} ${count}`).join(', '));
  expect(counts.get('right')).toBeGreaterThan(100);
  expect(server.log.filter(({ level, msg }) => level >= 50 && msg !== 'model not loaded')).toEqual([]);
  await server.close();
  expect(processesOfModels()).toEqual([]);
});

function countsOf(answers: readonly Answer[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { status, json } of answers) {
    const name = status === 200 ? 'right' : json.code;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
}

it.each([
  ['SIGKILL', 'end at once', 0],
  ['SIGABRT', 'abort', 0],
  ['SIGSTOP', 'hang, and are ended after a second', 1000],
] as const)('is back at full speed in seconds after all its processes get %s: they %s', async (signal, _, hangMs) => {
  const settings = { isolation: 'process', workers, threads: 1, timeoutSeconds: 1 } as const;
  const server = await serve({ 'mail.onnx': mailModel }, settings);
  const running = traffic(server, 8);
  await delay(3000);
  const fault = performance.now();
  for (const pid of processesOfModels()) process.kill(pid, signal);
  await delay(6000);
  await running.stop();
  for (const answer of running.answers) expectRightOrRefused(answer, [mailModel]);

  const right = running.times.filter((_, index) => running.answers[index]?.status === 200);
  const inSecondAfter = (from: number) => right.filter((time) => time > from && time <= from + 1000).length;
  const before = inSecondAfter(fault - 1000);
  const later = right.filter((time) => time > fault);
  const backAt = later.find((time) => inSecondAfter(time) >= 0.8 * before) ?? expect.fail('it is never back');
  const pauses = later.map((time, index) => time - (later[index - 1] ?? fault));
  const ms = (time: number) => `${Math.round(time)} ms`;
  console.log(
    `${signal} of ${workers} processes at ${before} right answers a second: 80 % of that speed again after ` +
      `${ms(backAt - fault)}, no right answer for ${ms(Math.max(...pauses))}, ${running.answers.length - right.length} refused`,
  );
  expect(backAt - fault).toBeLessThan(hangMs + 5000);
  await server.close();
});
