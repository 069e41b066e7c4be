/**
 * GPU, driver and CUDA libraries as the doctor finds them, with the environment of a child process really broken. There
 * is no device in CI: `nvidia-smi` is an executable stand-in on PATH, the libraries of CUDA are empty ones that are
 * really compiled (`stub-libraries.ts`). What is tested is what the doctor makes of them; that a real device computes
 * is tested by `npm run test:gpu`.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { requirements } from '../../src/doctor/gpu/requirements.ts';
import { build, repository } from '../package/built-package.ts';
import { type Conditions, examine, type InstalledCopy, installCopy } from './installed-copy.ts';
import { compilerMissing, compileStubs, type Stub, standInSmi } from './stub-libraries.ts';

const main = join(repository, 'dist/cli/main.js');
const skip = compilerMissing ?? (process.arch === 'x64' ? undefined : 'GPUs are used on x64');
if (skip) console.warn(`skipped: ${skip}`);

let scratch: string;
const at = (...names: string[]) => join(scratch, ...names);

beforeAll(() => {
  build();
  scratch = mkdtempSync(join(tmpdir(), 'doctor-gpu-'));
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const card = 'NVIDIA H100 80GB HBM3, 81559, 9.0, ';
const withSmi = (name: string, says: string, status = 0): Conditions => ({
  env: { PATH: `${standInSmi(at(name), says, status)}:${process.env.PATH}` },
});

describe.skipIf(skip)('device and driver', () => {
  it('none: absent, and no fault', async () => {
    const { status, find } = await examine(main, ['--only', 'gpu']);
    expect(status).toBe(0);
    expect(find('device').state).toBe('absent');
    expect(find('driver').state).toBe('absent');
  });

  it('both, as nvidia-smi tells, and the library that programs load', async () => {
    const library = compileStubs(at('driver'), [{ name: 'libcuda.so.1', file: 'libcuda.so.580.82.07' }]);
    const { env } = withSmi('smi-580', `${card}580.82.07`);
    const { find } = await examine(main, ['--only', 'gpu'], { env: { ...env, LD_LIBRARY_PATH: library } });
    expect(find('device')).toMatchObject({
      state: 'works',
      facts: { devices: [{ name: 'NVIDIA H100 80GB HBM3', memoryMiB: 81559, computeCapability: '9.0' }] },
    });
    expect(find('driver')).toMatchObject({ state: 'works', detail: '580.82.07' });
  });

  it('a driver without nvidia-smi is known by its library', async () => {
    const library = compileStubs(at('bare'), [{ name: 'libcuda.so.1', file: 'libcuda.so.550.54.15' }]);
    const { find } = await examine(main, ['--only', 'gpu'], { env: { LD_LIBRARY_PATH: library } });
    expect(find('driver')).toMatchObject({ state: 'works', detail: '550.54.15' });
  });

  it('a driver whose library programs do not find: broken', async () => {
    const { status, find } = await examine(main, ['--only', 'gpu'], withSmi('smi-alone', `${card}580.82.07`));
    expect(status).toBe(1);
    expect(find('driver')).toMatchObject({ state: 'broken', detail: expect.stringContaining('libcuda.so.1') });
  });

  it.each([
    ['no driver runs', 'NVIDIA-SMI has failed because it could not communicate with the NVIDIA driver.', 9],
    ['no device is there', 'No devices were found', 6],
  ])('what nvidia-smi says when %s is passed on', async (what, says, code) => {
    const { status, find } = await examine(main, ['--only', 'gpu'], withSmi(`smi ${what}`, says, code));
    expect(status).toBe(1);
    expect(find('device')).toMatchObject({ state: 'absent', detail: expect.stringContaining(says) });
    expect(find('driver')).toMatchObject({ state: 'broken', detail: says, fix: expect.stringContaining('driver') });
  });
});

describe.skipIf(skip)('with libraries for CUDA', () => {
  const { libraries } = requirements.onnxruntimeCuda12;
  const files: Readonly<Record<string, string>> = {
    'libcudart.so.12': 'libcudart.so.12.8.90',
    'libcudnn.so.9': 'libcudnn.so.9.10.2',
  };
  const all: readonly Stub[] = libraries.map((name) => ({ name, ...(files[name] && { file: files[name] }) }));
  /** As the real one: it asks for these itself, and loads cuDNN when it runs. */
  const needs = ['libcublasLt.so.12', 'libcublas.so.12', 'libcurand.so.10', 'libcudart.so.12'];
  let copy: InstalledCopy;
  let app: string;
  let cuda: string;
  let tensorflow: string;
  const ask = (conditions: Conditions = {}) => examine(app, ['--only', 'gpu'], conditions);

  beforeAll(() => {
    copy = installCopy();
    app = join(copy.path('recurrent-onnx'), 'dist/cli/main.js');
    cuda = compileStubs(at('cuda12'), all);
    const provider = compileStubs(at('provider'), [...all, { name: 'libonnxruntime_providers_cuda.so', needs }]);
    const binaries = join(copy.own('onnxruntime-node'), 'bin/napi-v6/linux/x64');
    symlinkSync(join(provider, 'libonnxruntime_providers_cuda.so'), join(binaries, 'libonnxruntime_providers_cuda.so'));
    tensorflow = copy.own('@tensorflow/tfjs-node-gpu');
    for (const built of ['lib', 'deps']) rmSync(join(tensorflow, built), { recursive: true, force: true });
    mkdirSync(join(tensorflow, 'lib/napi-v8'), { recursive: true });
  });
  afterAll(() => copy.dispose());

  it('all there: versions are read off the names of their files', async () => {
    const { status, find } = await ask({ env: { LD_LIBRARY_PATH: cuda } });
    expect(find('onnxruntime-libraries')).toMatchObject({
      state: 'works',
      detail: expect.stringMatching(/needs CUDA 12, cuDNN 9, driver 525; found CUDA 12\.8\.90, cuDNN 9\.10\.2$/),
    });
    expect(status).toBe(0);
  });

  it('none there: broken, each by its name', async () => {
    const { status, find } = await ask();
    expect(status).toBe(1);
    const { state, detail, fix } = find('onnxruntime-libraries');
    expect(state).toBe('broken');
    for (const library of libraries) expect(detail).toContain(library);
    expect(fix).toContain('recurrent setup gpu');
  });

  it('one is another version: both are named', async () => {
    const folder = compileStubs(at('cudnn8'), [
      ...all.filter(({ name }) => name !== 'libcudnn.so.9'),
      { name: 'libcudnn.so.8', file: 'libcudnn.so.8.9.7' },
    ]);
    const { find } = await ask({ env: { LD_LIBRARY_PATH: folder } });
    expect(find('onnxruntime-libraries')).toMatchObject({
      state: 'broken',
      detail: expect.stringContaining(`not found: libcudnn.so.9 (there is ${folder}/libcudnn.so.8, another version)`),
    });
  });

  it('one is no library: what the loader says of it', async () => {
    const folder = compileStubs(
      at('damaged'),
      all.filter(({ name }) => name !== 'libcudnn.so.9'),
    );
    writeFileSync(join(folder, 'libcudnn.so.9'), 'cut short');
    const { find } = await ask({ env: { LD_LIBRARY_PATH: folder } });
    expect(find('onnxruntime-libraries').detail).toMatch(
      /not found: libcudnn\.so\.9 \((?:file too short|invalid ELF header)\)/,
    );
  });

  it('the driver is too old: broken, with the version that would do', async () => {
    const driver = compileStubs(at('old'), [{ name: 'libcuda.so.1', file: 'libcuda.so.470.57.02' }]);
    const { find } = await ask({ env: { LD_LIBRARY_PATH: `${cuda}:${driver}` } });
    expect(find('onnxruntime-libraries')).toMatchObject({
      state: 'broken',
      detail: expect.stringContaining('driver 470.57.02 is older than 525'),
      fix: expect.stringContaining('driver 525 or later'),
    });
  });

  it('the driver is missing: the real library asks for it as well', async () => {
    const folder = compileStubs(at('no-driver'), [...all, { name: 'libcuda.so.1' }]);
    compileStubs(folder, [{ name: 'libcublas.so.12', needs: ['libcuda.so.1'] }]);
    rmSync(join(folder, 'libcuda.so.1'));
    const { find } = await ask({ env: { LD_LIBRARY_PATH: folder } });
    expect(find('onnxruntime-libraries')).toMatchObject({
      state: 'broken',
      detail: expect.stringMatching(/not found: libcuda\.so\.1$/),
      fix: expect.stringMatching(/^Install NVIDIA's driver 525 or later/),
    });
  });

  it("TensorFlow's binding does not load: broken, with what the loader says", async () => {
    writeFileSync(join(tensorflow, 'lib/napi-v8/tfjs_binding.node'), 'cut short');
    const { status, find } = await examine(app, ['--only', 'tensorflow']);
    expect(status).toBe(1);
    expect(find('tensorflow')).toMatchObject({ state: 'broken', detail: expect.stringContaining('does not load') });
  });

  it('libraries that fail when they are loaded are findings with their reasons, and all else goes on', async () => {
    const source = at('crash.c');
    writeFileSync(source, '#include <stdlib.h>\n__attribute__((constructor)) static void crash(void) { abort(); }\n');
    execFileSync('cc', ['-shared', '-fPIC', '-o', join(tensorflow, 'lib/napi-v8/tfjs_binding.node'), source]);
    const { status, find, diagnosis } = await examine(app, [], { env: { LD_LIBRARY_PATH: cuda } });
    expect(status).toBe(1);
    const reason = 'libonnxruntime_providers_shared.so: cannot open shared object file'; // the other half of the real one
    for (const name of ['cuda', 'onnxruntime-cuda']) {
      expect(find(name)).toMatchObject({ state: 'broken', detail: expect.stringContaining(reason) });
    }
    for (const name of ['tensorflow', 'tfjs']) {
      expect(find(name)).toMatchObject({ state: 'broken', detail: expect.stringContaining('ended with SIGABRT') });
    }
    for (const name of ['js', 'wasm', 'onnxruntime', 'cpu']) expect(find(name).state).toBe('works');
    expect(diagnosis.lacking).toEqual(['onnxruntime-cuda', 'tensorflow', 'cuda', 'tfjs']);
  });

  it('TensorFlow 2.9 without CUDA 11: each library by its name', async () => {
    compileStubs(join(tensorflow, 'deps/lib'), [{ name: 'libtensorflow.so.2', file: 'libtensorflow.so.2.9.1' }]);
    const { find } = await ask();
    const { state, detail } = find('tensorflow-libraries');
    expect(state).toBe('broken');
    expect(detail).toContain('needs CUDA 11.2, cuDNN 8.1, driver 450.80.02');
    for (const library of requirements.tensorflow2_9.libraries) expect(detail).toContain(library);
  });
});
