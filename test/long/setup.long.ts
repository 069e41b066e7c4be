/** `recurrent setup gpu` broken off: by a package that is not there, by Ctrl-C, by being killed. */
import { once } from 'node:events';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  createSetupApp,
  leftIn,
  provider,
  providersIn,
  type SetupApp,
  setupMissing,
  shared,
} from '../doctor/setup-app.ts';

if (setupMissing) console.warn(`skipped: ${setupMissing}`);
const pypi = ['--from', 'pypi', '--yes', '--json', '--quiet'] as const;

describe.skipIf(setupMissing)('setup gpu, broken off', { timeout: 60_000 }, () => {
  let app: SetupApp;
  /** A registry that knows nothing of onnxruntime, and never answers when it is asked for a package of NVIDIA. */
  const registry = createServer((request, response) => {
    if (request.url?.includes('onnxruntime')) response.writeHead(404).end();
    else registry.emit('asked', request.socket);
  });

  beforeAll(async () => {
    app = createSetupApp();
    registry.listen(0, '127.0.0.1');
    await once(registry, 'listening');
  });
  afterAll(() => {
    registry.closeAllConnections();
    registry.close();
    app?.dispose();
  });

  /** Starts a setup, waits until it hangs in its second step, and ends it. */
  async function endWith(signal: 'SIGINT' | 'SIGKILL') {
    const { port } = registry.address() as AddressInfo;
    const url = `http://127.0.0.1:${port}/simple`;
    const child = app.start(pypi, { PIP_NO_INDEX: '0', PIP_INDEX_URL: url });
    let stderr = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      stderr += chunk;
    });
    const ended = once(child, 'close');
    const [socket] = (await once(registry, 'asked')) as [Socket];
    const pipEnded = once(socket, 'close');
    expect(providersIn(app)).toEqual([provider, shared]); // the first step is done
    const [pip] = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').split(' ').map(Number);
    child.kill(signal);
    const [status] = await ended;
    if (signal === 'SIGKILL') process.kill(-(pip as number), 'SIGKILL'); // it outlives a parent that cannot end it
    await pipEnded;
    return { status, stderr };
  }

  const undone = () => JSON.parse(app.setup(['--undo', '--yes', '--json']).stdout).removed as string[];
  const whatIsThere = () => ({ cache: leftIn(app), providers: providersIn(app) });

  it('Ctrl-C: the step at hand is gone, and the steps before it can be undone', async () => {
    const { status, stderr } = await endWith('SIGINT');
    expect(status).toBe(130);
    expect(JSON.parse(stderr.trim().split('\n').at(-1) ?? '').error).toMatchObject({ code: 'INTERRUPTED' });
    expect(whatIsThere()).toEqual({ cache: ['gpu-setup.json'], providers: [provider, shared] });
    expect(undone()).toEqual([provider, shared].map((name) => join(app.binaries, name)));
    expect(whatIsThere()).toEqual({ cache: [], providers: [] });
  });

  it('killed: what it had put where is on record', async () => {
    await endWith('SIGKILL');
    expect(undone()).toEqual([provider, shared].map((name) => join(app.binaries, name)));
    expect(whatIsThere()).toEqual({ cache: [], providers: [] });
  });

  it('a package that is missing half-way: named, and what stood before can be undone', () => {
    rmSync(join(app.scratch, 'wheels/nvidia_cudnn_cu13-9.20.0-py3-none-any.whl'));
    const { status, stderr } = app.setup(pypi);
    expect(status).toBe(1);
    expect(JSON.parse(stderr).error).toMatchObject({
      code: 'DOWNLOAD_FAILED',
      message: expect.stringMatching(/nothing came from PyPI .*nvidia-cudnn-cu13/),
    });
    expect(whatIsThere()).toEqual({ cache: ['gpu-setup.json'], providers: [provider, shared] });
    expect(undone()).toHaveLength(2);
    expect(whatIsThere()).toEqual({ cache: [], providers: [] });
  });

  it('never takes away a library that was there before', () => {
    for (const name of [provider, shared]) writeFileSync(join(app.binaries, name), 'mine');
    app.setup(pypi);
    app.setup(['--undo', '--yes']);
    for (const name of [provider, shared]) expect(readFileSync(join(app.binaries, name), 'utf8')).toBe('mine');
  });
});
