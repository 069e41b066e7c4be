/**
 * `recurrent setup gpu` with the real pip, the real loader and a real package of onnxruntime. What pip installs comes
 * from a folder of wheels that are made here: NVIDIA's are 2 GB. Their libraries are empty ones, really compiled.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { requirements } from '../../src/doctor/gpu/requirements.ts';
import { build } from '../package/built-package.ts';
import { examine, type InstalledCopy, installCopy } from './installed-copy.ts';
import { compilerMissing, compileStubs } from './stub-libraries.ts';

const skip =
  compilerMissing ??
  (process.arch !== 'x64' ? 'GPUs are used on x64' : undefined) ??
  (spawnSync('python3', ['-m', 'pip', '--version']).status === 0 ? undefined : 'Python 3 with pip is not installed');
if (skip) console.warn(`skipped: ${skip}`);

const { libraries } = requirements.onnxruntimeCuda13;
const provider = 'libonnxruntime_providers_cuda.so';
let scratch: string;
let copy: InstalledCopy;
let app: string;
let binaries: string;
let environment: NodeJS.ProcessEnv;

/** A wheel is a zip archive with three files about it. @param files path in the package to path on disk */
function makeWheel(name: string, version: string, files: Readonly<Record<string, string>>): void {
  const program = `
import sys, json, zipfile
name, version, folder, files = sys.argv[1], sys.argv[2], sys.argv[3], json.loads(sys.argv[4])
stem = name.replace('-', '_') + '-' + version
info = stem + '.dist-info/'
with zipfile.ZipFile(folder + '/' + stem + '-py3-none-any.whl', 'w') as archive:
    for inside, path in files.items(): archive.write(path, inside)
    archive.writestr(info + 'METADATA', 'Metadata-Version: 2.1\\nName: ' + name + '\\nVersion: ' + version + '\\n')
    archive.writestr(info + 'WHEEL', 'Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')
    archive.writestr(info + 'RECORD', '')
`;
  execFileSync('python3', ['-c', program, name, version, join(scratch, 'wheels'), JSON.stringify(files)]);
}

interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function setup(args: readonly string[], env: Readonly<Record<string, string>> = {}): Outcome {
  const command = [app, 'setup', 'gpu', ...args];
  return spawnSync(process.execPath, command, { encoding: 'utf8', env: { ...environment, ...env }, input: '' });
}

describe.skipIf(skip)('setup gpu', () => {
  beforeAll(() => {
    build();
    scratch = mkdtempSync(join(tmpdir(), 'setup-'));
    mkdirSync(join(scratch, 'wheels'));
    copy = installCopy();
    app = join(copy.path('recurrent-onnx'), 'dist/cli/main.js');
    binaries = join(copy.own('onnxruntime-node'), 'bin/napi-v6/linux/x64');
    const { LD_LIBRARY_PATH: _, PIP_INDEX_URL: __, ...inherited } = process.env;
    environment = {
      ...inherited,
      ...{ XDG_CACHE_HOME: join(scratch, 'cache'), PIP_NO_INDEX: '1', PIP_FIND_LINKS: join(scratch, 'wheels') },
    };

    const stubs = compileStubs(join(scratch, 'stubs'), [
      ...libraries.map((name) => ({ name })),
      { name: provider, needs: libraries },
      { name: 'libonnxruntime_providers_shared.so' },
    ]);
    const at = (folder: string, ...names: readonly string[]) =>
      Object.fromEntries(names.map((name) => [`${folder}/${name}`, join(stubs, name)]));
    const ofCuda = libraries.filter((name) => !name.startsWith('libcudnn'));
    makeWheel('onnxruntime-gpu', '1.30.0', at('onnxruntime/capi', provider, 'libonnxruntime_providers_shared.so'));
    makeWheel('nvidia-cublas', '13.1.0', at('nvidia/cu13/lib', ...ofCuda));
    makeWheel('nvidia-cudnn-cu13', '9.20.0', at('nvidia/cudnn/lib', 'libcudnn.so.9'));
    for (const [name, version] of [
      ...[['nvidia-cuda-runtime', '13.0.1'] as const, ['nvidia-cuda-nvrtc', '13.0.1'] as const],
      ...[['nvidia-cufft', '12.0.1'] as const, ['nvidia-curand', '10.4.0'] as const],
    ]) {
      makeWheel(name, version, {});
    }
  });
  afterAll(() => {
    copy?.dispose();
    rmSync(scratch, { recursive: true, force: true });
  });

  it('--dry-run says what it would do, and does nothing', () => {
    const { status, stdout, stderr } = setup(['--dry-run']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain('ONNXRUNTIME_NODE_INSTALL=true');
    expect(stdout).toContain('nvidia-cublas-cu12');
    expect(stdout).toContain("NVIDIA's driver, 525 or later, which only root can install");
    expect(existsSync(join(binaries, provider))).toBe(false);
    expect(existsSync(join(scratch, 'cache'))).toBe(false);
  });

  it('does nothing where nobody can be asked', () => {
    const { status, stderr } = setup([]);
    expect({ status, stderr }).toEqual({ status: 2, stderr: expect.stringContaining('Add --yes') });
    expect(existsSync(join(binaries, provider))).toBe(false);
  });

  it('without a network: says where nothing came from, names the other way, leaves nothing behind', () => {
    const before = readdirSync(binaries);
    const refused = 'http://127.0.0.1:9';
    const { status, stderr } = setup(['--yes', '--json', '--quiet'], { GLOBAL_AGENT_HTTPS_PROXY: refused });
    expect(status).toBe(1);
    expect(JSON.parse(stderr).error).toMatchObject({
      code: 'DOWNLOAD_FAILED',
      message: expect.stringMatching(/nuget\.org .*ECONNREFUSED/),
      hint: expect.stringContaining('--from pypi'),
    });
    expect(readdirSync(binaries)).toEqual(before);
  });

  it('installs, tells what is left to do, and the doctor finds all of it', async () => {
    const { status, stdout } = setup(['--from', 'pypi', '--yes', '--json', '--quiet']);
    expect(status).toBe(0);
    const { done, libraryPath } = JSON.parse(stdout);
    expect(done).toBe(true);
    expect(readFileSync(join(binaries, provider)).equals(readFileSync(join(scratch, 'stubs', provider)))).toBe(true);

    const env = { XDG_CACHE_HOME: join(scratch, 'cache') };
    const without = await examine(app, ['--only', 'gpu'], { env });
    expect(without.find('onnxruntime-libraries')).toMatchObject({
      state: 'broken',
      fix: expect.stringContaining(`export LD_LIBRARY_PATH=${libraryPath}`),
    });
    const withPath = await examine(app, ['--only', 'gpu'], { env: { ...env, LD_LIBRARY_PATH: libraryPath } });
    expect(withPath.find('onnxruntime-libraries')).toMatchObject({
      state: 'works',
      detail: expect.stringContaining('onnxruntime for CUDA 13 needs CUDA 13, cuDNN 9, driver 580'),
    });
  });

  it('run again, does nothing', () => {
    const { status, stdout } = setup(['--from', 'pypi', '--yes']);
    expect(status).toBe(0);
    expect(stdout).toContain('Everything is there; nothing was done.');
    expect(stdout).toContain('export LD_LIBRARY_PATH=');
  });

  it('--undo removes what it put here, and nothing else', () => {
    const others = readdirSync(binaries).filter((name) => !name.includes('providers'));
    const { status, stdout } = setup(['--undo', '--yes', '--json']);
    expect(status).toBe(0);
    expect(JSON.parse(stdout).removed).toHaveLength(3);
    expect(readdirSync(binaries)).toEqual(others);
    expect(readdirSync(join(scratch, 'cache/recurrent-onnx'))).toEqual([]);
    expect(JSON.parse(setup(['--undo', '--yes', '--json']).stdout)).toEqual({ removed: [] });
  });

  it('a package that is missing half-way: what the step brought is gone', () => {
    rmSync(join(scratch, 'wheels', readdirSync(join(scratch, 'wheels')).find((name) => name.includes('cudnn')) ?? ''));
    const { status, stderr } = setup(['--from', 'pypi', '--yes', '--json', '--quiet']);
    expect(status).toBe(1);
    expect(JSON.parse(stderr).error).toMatchObject({
      code: 'DOWNLOAD_FAILED',
      message: expect.stringMatching(/nothing came from PyPI .*nvidia-cudnn-cu13/),
    });
    expect(existsSync(join(scratch, 'cache/recurrent-onnx/cuda13'))).toBe(false);
    expect(setup(['--undo', '--yes']).status).toBe(0);
    expect(existsSync(join(binaries, provider))).toBe(false);
  });

  it('never takes away a library that was there before', () => {
    writeFileSync(join(binaries, provider), 'mine');
    writeFileSync(join(binaries, 'libonnxruntime_providers_shared.so'), 'mine');
    setup(['--from', 'pypi', '--yes']);
    setup(['--undo', '--yes']);
    expect(readFileSync(join(binaries, provider), 'utf8')).toBe('mine');
  });
});
