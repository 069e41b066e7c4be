/**
 * `recurrent setup gpu` with the real pip, the real loader and a real package of onnxruntime. What breaks it off from
 * outside is in test/long/setup.long.ts.
 */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { examine } from './installed-copy.ts';
import {
  createSetupApp,
  leftIn,
  provider,
  providersIn,
  type SetupApp,
  setupMissing,
  shared,
  wheels,
} from './setup-app.ts';

if (setupMissing) console.warn(`skipped: ${setupMissing}`);

describe.skipIf(setupMissing)('setup gpu', () => {
  let app: SetupApp;

  beforeAll(() => {
    app = createSetupApp();
  });
  afterAll(() => app?.dispose());

  it('--dry-run says what it would do, and does nothing', () => {
    const { status, stdout, stderr } = app.setup(['--dry-run']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain('ONNXRUNTIME_NODE_INSTALL=true');
    expect(stdout).toContain('nvidia-cublas-cu12');
    expect(stdout).toContain("NVIDIA's driver, 525 or later, which only root can install");
    expect({ providers: providersIn(app), cache: leftIn(app) }).toEqual({ providers: [], cache: [] });
  });

  it('does nothing where nobody can be asked', () => {
    const { status, stderr } = app.setup([]);
    expect({ status, stderr }).toEqual({ status: 2, stderr: expect.stringContaining('Add --yes') });
    expect(providersIn(app)).toEqual([]);
  });

  it('without a network: says where nothing came from, names the other way, leaves nothing behind', () => {
    const before = readdirSync(app.binaries);
    const refused = 'http://127.0.0.1:9';
    const { status, stderr } = app.setup(['--yes', '--json', '--quiet'], { GLOBAL_AGENT_HTTPS_PROXY: refused });
    expect(status).toBe(1);
    expect(JSON.parse(stderr).error).toMatchObject({
      code: 'DOWNLOAD_FAILED',
      message: expect.stringMatching(/nuget\.org .*ECONNREFUSED/),
      hint: expect.stringContaining('--from pypi'),
    });
    expect(readdirSync(app.binaries)).toEqual(before);
  });

  it('a package without its library, half-way: what the step brought is gone, what stood before it can be undone', () => {
    const [cudnn] = wheels.filter(({ name }) => name.includes('cudnn')) as [(typeof wheels)[number]];
    app.makeWheels([{ ...cudnn, files: {} }]);
    writeFileSync(join(app.binaries, shared), 'mine');
    const { status, stderr } = app.setup(['--from', 'pypi', '--yes', '--json', '--quiet']);
    app.makeWheels([cudnn]);
    expect(status).toBe(1);
    expect(JSON.parse(stderr).error).toMatchObject({
      code: 'DOWNLOAD_FAILED',
      message: expect.stringMatching(/did not bring libcudnn\.so\.9$/),
    });
    expect({ cache: leftIn(app), providers: providersIn(app) }).toEqual({
      ...{ cache: ['gpu-setup.json'], providers: [provider, shared] },
    });
    expect(JSON.parse(app.setup(['--undo', '--yes', '--json']).stdout)).toEqual({
      removed: [join(app.binaries, provider)],
    });
    expect({ cache: leftIn(app), providers: providersIn(app) }).toEqual({ cache: [], providers: [shared] });
    expect(readFileSync(join(app.binaries, shared), 'utf8')).toBe('mine');
    rmSync(join(app.binaries, shared));
  });

  it('installs, tells what is left to do, and the doctor finds all of it', async () => {
    const { status, stdout } = app.setup(['--from', 'pypi', '--yes', '--json', '--quiet']);
    expect(status).toBe(0);
    const { done, libraryPath } = JSON.parse(stdout);
    expect(done).toBe(true);
    expect(readFileSync(join(app.binaries, provider)).equals(readFileSync(join(app.stubs, provider)))).toBe(true);

    const env = { XDG_CACHE_HOME: join(app.scratch, 'cache') };
    const [without, withPath] = await Promise.all([
      examine(app.main, ['--only', 'gpu'], { env }),
      examine(app.main, ['--only', 'gpu'], { env: { ...env, LD_LIBRARY_PATH: libraryPath } }),
    ]);
    expect(without.find('onnxruntime-libraries')).toMatchObject({
      state: 'broken',
      fix: expect.stringContaining(`export LD_LIBRARY_PATH=${libraryPath}`),
    });
    expect(withPath.find('onnxruntime-libraries')).toMatchObject({
      state: 'works',
      detail: expect.stringContaining('onnxruntime for CUDA 13 needs CUDA 13, cuDNN 9, driver 580'),
    });
  });

  it('run again, does nothing', () => {
    const { status, stdout } = app.setup(['--from', 'pypi', '--yes']);
    expect(status).toBe(0);
    expect(stdout).toContain('Everything is there; nothing was done.');
    expect(stdout).toContain('export LD_LIBRARY_PATH=');
  });

  it('--undo removes what it put here, and nothing else', () => {
    const others = readdirSync(app.binaries).filter((name) => !name.includes('providers'));
    const { status, stdout } = app.setup(['--undo', '--yes', '--json']);
    expect(status).toBe(0);
    expect(JSON.parse(stdout).removed).toHaveLength(3);
    expect(readdirSync(app.binaries)).toEqual(others);
    expect(leftIn(app)).toEqual([]);
    expect(JSON.parse(app.setup(['--undo', '--yes', '--json']).stdout)).toEqual({ removed: [] });
    expect(existsSync(app.stubs)).toBe(true);
  });
});
