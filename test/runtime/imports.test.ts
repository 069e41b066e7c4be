/**
 * What the runtime loads, seen from outside: its entry is bundled as for publishing and run in a process of its own,
 * in a folder that has only the packages it is given.
 */
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { exportOnnx } from '../../exporters/export.ts';
import { bundleRuntime } from '../support/bundle-runtime.ts';
import { modelOf } from '../support/trained-model.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'runtime-imports-'));
  await bundleRuntime(folder, { alwaysBundle: ['zod'] }); // as tsdown.config.ts has it
  const file = exportOnnx(
    modelOf([
      { type: 'embedding', inputDim: 9, outputDim: 2 },
      { type: 'lstm', units: 2 },
      { type: 'dense', units: 1 },
    ]),
  );
  await writeFile(join(folder, 'model.onnx'), file);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** An app with these packages of the repository; the bundle is copied into it. */
async function app(name: string, packages: readonly string[]): Promise<string> {
  const home = join(folder, name);
  await mkdir(join(home, 'node_modules'), { recursive: true });
  await cp(join(folder, 'dist'), join(home, 'dist'), { recursive: true });
  for (const each of packages) await symlink(join(root, 'node_modules', each), join(home, 'node_modules', each));
  return home;
}

/** Runs a module in `home`, with `runtime` and `loaded()`: what it prints as JSON, and its standard error. */
async function run(home: string, body: string): Promise<{ readonly seen: unknown; readonly stderr: string }> {
  const program = `
    import { createRequire } from 'node:module';
    import * as runtime from './dist/runtime.mjs';
    const loaded = (word) => Object.keys(createRequire(import.meta.url).cache).filter((path) => path.includes(word));
    const print = (value) => console.log(JSON.stringify(value));
    ${body}`;
  await writeFile(join(home, 'program.mjs'), program);
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ['program.mjs'], { cwd: home });
  return { seen: JSON.parse(stdout), stderr };
}

test('importing loads neither TensorFlow.js, protobufjs nor the ONNX messages, and onnxruntime only when a model is opened', async () => {
  const home = await app('whole', ['onnxruntime-node', 'onnxruntime-common']);
  const { seen, stderr } = await run(
    home,
    `const before = loaded('onnxruntime').length;
     const classifier = await runtime.loadClassifier('../model.onnx');
     const { label } = await classifier.predict('w1');
     await classifier.dispose();
     print({ before, after: loaded('onnxruntime-node').length > 0, label,
             others: [...loaded('tensorflow'), ...loaded('onnx-proto'), ...loaded('protobufjs'), ...loaded('zod')] });`,
  );
  expect(seen).toEqual({ before: 0, after: true, label: expect.stringMatching(/^class [01]$/), others: [] });
  // a provider that is not installed is not tried: onnxruntime would complain
  expect(stderr).toBe('');
});

test('without onnxruntime-node the error names the command', async () => {
  const home = await app('bare', []);
  const { seen } = await run(home, `await runtime.loadClassifier('../model.onnx').catch((error) => print(error));`);
  expect(seen).toMatchObject({
    code: 'PACKAGE_MISSING',
    hint: expect.stringContaining('npm install onnxruntime-node'),
  });
});

test('where the library of CUDA is there but does not load, auto takes the CPU and says why; cuda is refused', async (context) => {
  const library = join('bin', 'napi-v6', process.platform, process.arch);
  if (process.platform !== 'linux' || process.arch !== 'x64')
    context.skip('onnxruntime-node has CUDA on Linux x64 only');
  const home = await app('broken', ['onnxruntime-common']);
  const from = join(root, 'node_modules', 'onnxruntime-node');
  const to = join(home, 'node_modules', 'onnxruntime-node');
  for (const part of ['package.json', 'dist', library]) {
    await cp(join(from, part), join(to, part), { recursive: true });
  }
  for (const name of ['libonnxruntime_providers_shared.so', 'libonnxruntime_providers_cuda.so']) {
    await writeFile(join(to, library, name), 'no library');
  }
  const { seen } = await run(
    home,
    `const classifier = await runtime.loadClassifier('../model.onnx');
     const { providers, providerNote } = classifier;
     await classifier.predict('w1');
     await classifier.dispose();
     const error = await runtime.loadClassifier('../model.onnx', { providers: 'cuda' }).catch((reason) => reason);
     print({ providers, providerNote, error });`,
  );
  expect(seen).toEqual({
    providers: ['cpu'],
    providerNote: expect.stringMatching(/^cpu: CUDA does not start: [^\n]+$/),
    error: { code: 'PROVIDER_MISSING', message: expect.stringContaining('cuda'), hint: expect.any(String) },
  });
});
