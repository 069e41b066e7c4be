/**
 * What `docker build` and `docker run` do with the context of `recurrent deploy docker`, step by step and without Docker:
 * the instructions of the Dockerfile are followed in a clean folder, with the package as `npm pack` makes it and the
 * registry's packages; the entry point then runs as another user, where the tests run as root, who can write nowhere.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import * as grpc from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { exportOnnx } from '../../exporters/export.ts';
import { planModel } from '../../models/plan.ts';
import { createEncoder } from '../../models/text/encoder.ts';
import { referenceForward } from '../../src/reference/reference.ts';
import { build, repository } from '../package/built-package.ts';
import { modelOf } from '../support/trained-model.ts';

const run = promisify(execFile);
const model = modelOf([
  { type: 'embedding', inputDim: 30, outputDim: 4, maskZero: true },
  { type: 'lstm', units: 5 },
  { type: 'dense', units: 1, activation: 'sigmoid' },
]);

/** The user `node` of the image. */
const node = 1000;
const root = process.getuid?.() === 0;
if (!root) console.log('the entry point runs as the user of the tests: only root can start it as another one');

let folder: string;
let context: string;
beforeAll(async () => {
  build();
  folder = await mkdtemp(join(tmpdir(), 'deploy-image-'));
  await chmod(folder, 0o755);
  const { stdout } = await run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], {
    cwd: repository,
  });
  const [{ filename }] = JSON.parse(stdout);
  await writeFile(join(folder, 'model.onnx'), exportOnnx(model));
  const cli = join(repository, 'dist/cli/main.js');
  const args = ['deploy', 'kubernetes', 'model.onnx', '--out', 'deploy', '--package', filename];
  await run(process.execPath, [cli, ...args], { cwd: folder });
  context = join(folder, 'deploy/image');
}, 60_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

type Instruction = readonly [name: string, rest: string];

async function instructions(): Promise<Instruction[]> {
  const lines = (await readFile(join(context, 'Dockerfile'), 'utf8'))
    .replaceAll(/\\\n\s*/g, ' ')
    .trimEnd()
    .split('\n');
  return lines.map((line) => [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1)]);
}

interface Image {
  readonly home: string;
  readonly env: Record<string, string>;
  readonly entry: readonly string[];
  readonly health: readonly string[];
  readonly user: string | undefined;
}

/** Follows the Dockerfile; WORKDIR is `home`. */
async function buildImage(home: string): Promise<Image> {
  await mkdir(home);
  const env: Record<string, string> = { PATH: process.env.PATH ?? '', HOME: join(home, '..') };
  const image = { home, env, entry: [] as string[], health: [] as string[], user: undefined as string | undefined };
  for (const [name, rest] of await instructions()) {
    if (name === 'ENV') {
      const [key = '', value = ''] = rest.split('=');
      env[key] = value;
    } else if (name === 'COPY') {
      for (const source of rest.split(' ').slice(0, -1)) await copy(source, home, rest.split(' ').at(-1) ?? '');
    } else if (name === 'RUN') {
      const settings = { npm_config_cache: join(folder, 'npm-cache'), npm_config_registry: await registry() };
      await run('sh', ['-c', rest], { cwd: home, env: { ...env, ...settings } });
    } else if (name === 'USER') image.user = rest;
    else if (name === 'HEALTHCHECK') image.health = JSON.parse(rest.slice(rest.indexOf('CMD ') + 4));
    else if (name === 'ENTRYPOINT') image.entry = JSON.parse(rest);
    else expect(['FROM', 'WORKDIR', 'EXPOSE']).toContain(name);
  }
  return image;
}

async function registry(): Promise<string> {
  return (await run('npm', ['config', 'get', 'registry'])).stdout.trim();
}

/** `COPY source to`, as Docker does it: a folder's contents, or files that match. */
async function copy(source: string, home: string, to: string): Promise<void> {
  if (to !== './') return cp(join(context, source), join(home, to), { recursive: true });
  const matches = source.endsWith('*')
    ? (await readdir(context)).filter((name) => name.startsWith(source.slice(0, -1)))
    : [source];
  for (const name of matches) await cp(join(context, name), join(home, basename(name)));
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const [http, rpc] = [await freePort(), await freePort()];
/** The container has its ports for itself; this machine has not. */
const onFreePorts = (words: readonly string[]) =>
  words.map((word) => word.replaceAll('8080', String(http)).replaceAll('8081', String(rpc)));

function start({ home, env, user }: Image, words: readonly string[]): ChildProcess {
  expect(user).toBe('node');
  const [command = '', ...args] = onFreePorts(words);
  const nowhere = { HOME: '/nonexistent', TMPDIR: '/nonexistent' };
  return spawn(command === 'node' ? process.execPath : command, args, {
    cwd: home,
    env: { ...env, ...nowhere },
    stdio: ['ignore', 'ignore', 'inherit'],
    ...(root && { uid: node, gid: node }),
  });
}

/** gRPC's health service: the status of `Check`, 1 for SERVING. */
function grpcHealth(): Promise<number | undefined> {
  const client = new grpc.Client(`127.0.0.1:${rpc}`, grpc.credentials.createInsecure());
  const plain = (bytes: Buffer) => bytes;
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest('/grpc.health.v1.Health/Check', plain, plain, Buffer.alloc(0), (error, answer) => {
      client.close();
      if (error) reject(error);
      else resolve(answer?.[1]);
    });
  });
}

describe.each(['with the lockfile of README.md', 'without one'])('an image %s', (kind) => {
  test('installs, gets healthy, classifies over both ports, and ends by SIGTERM', { timeout: 240_000 }, async () => {
    await rm(join(context, 'package-lock.json'), { force: true });
    if (kind.startsWith('with the')) {
      const readme = await readFile(join(context, '../README.md'), 'utf8');
      const [lock = expect.fail()] = /^npm install .*--package-lock-only.*$/m.exec(readme) ?? [];
      await run('sh', ['-c', lock], { cwd: join(context, '..') });
      expect(await readdir(context)).toContain('package-lock.json');
      expect(await readdir(context)).not.toContain('node_modules');
    }
    const home = join(folder, kind.startsWith('with the') ? 'locked' : 'unlocked');
    const image = await buildImage(home);
    const installed = await readdir(join(home, 'node_modules'));
    expect(installed).toEqual(expect.arrayContaining(['recurrent-onnx', '@grpc', 'onnxruntime-node']));
    expect(installed).not.toContain('vitest');

    const manifest = parse(await readFile(join(context, '../manifests/deployment.yaml'), 'utf8'));
    const { args } = manifest.spec.template.spec.containers[0];
    const server = start(image, [...image.entry, ...args]);
    const ended = once(server, 'exit');
    try {
      const healthy = async () => (await once(start(image, image.health), 'exit'))[0];
      await expect.poll(healthy, { timeout: 30_000, interval: 500 }).toBe(0);
      expect(await grpcHealth()).toBe(1);
      const response = await fetch(`http://127.0.0.1:${http}/v1/classify`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{"text": "w1 w2 w3"}',
      });
      const { predictions } = (await response.json()) as { predictions: { scores: Record<string, number> }[] };
      const encoder = createEncoder({ ...model, vocabularySize: planModel(model.spec).vocabularySize });
      const expected = referenceForward(model, encoder.encodeAll(['w1 w2 w3']).ids, 1, 6).probabilities[0];
      // The project's bound for float32 against float64.
      expect(Math.abs((predictions[0]?.scores['class 1'] ?? Number.NaN) - (expected ?? 0))).toBeLessThan(5e-6);
      server.kill('SIGTERM');
      expect(await ended).toEqual([0, null]);
      expect(await healthy()).toBe(1);
    } finally {
      server.kill('SIGKILL');
    }
  });
});
