/** A CUDA provider that is installed and does not start, for real: onnxruntime-node with a library that is none. */
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { exportOnnx } from '../../exporters/export.ts';
import { bundleRuntime } from '../support/bundle-runtime.ts';
import { modelOf } from '../support/trained-model.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const reason =
  process.platform === 'linux' && process.arch === 'x64' ? undefined : 'onnxruntime-node has CUDA on linux/x64 only';
if (reason) console.log(`a broken CUDA provider is not tried: ${reason}`);

let folder: string;
beforeAll(async () => {
  if (reason) return;
  folder = await mkdtemp(join(tmpdir(), 'broken-cuda-'));
  await bundleRuntime(folder);
  const packages = join(folder, 'node_modules');
  const ort = join(packages, 'onnxruntime-node');
  await mkdir(packages);
  for (const name of ['zod', 'protobufjs', 'onnxruntime-common']) {
    await symlink(join(root, 'node_modules', name), join(packages, name));
  }
  const given = join(root, 'node_modules/onnxruntime-node');
  for (const part of ['package.json', 'dist', 'bin/napi-v6/linux/x64']) {
    await cp(join(given, part), join(ort, part), { recursive: true });
  }
  await writeFile(join(ort, 'bin/napi-v6/linux/x64/libonnxruntime_providers_cuda.so'), 'this is no library');
  const layers = [
    { type: 'embedding', inputDim: 9, outputDim: 2 },
    { type: 'lstm', units: 2 },
    { type: 'dense', units: 1 },
  ] as const;
  await writeFile(join(folder, 'model.onnx'), exportOnnx(modelOf([...layers])));
});
afterAll(() => folder && rm(folder, { recursive: true, force: true }));

/** Loads the model in a process of its own, and gives what it sees. */
async function load(options: object): Promise<Record<string, unknown>> {
  const program = `
    import { loadClassifier } from './dist/runtime.mjs';
    try {
      const classifier = await loadClassifier('model.onnx', ${JSON.stringify(options)});
      const { label } = await classifier.predict('w1');
      const { providers, providerNote, warnings } = classifier;
      console.log(JSON.stringify({ label, providers, providerNote, warnings, tf32: process.env.NVIDIA_TF32_OVERRIDE }));
    } catch ({ code, message, hint }) {
      console.log(JSON.stringify({ code, message, hint }));
    }`;
  await writeFile(join(folder, 'program.mjs'), program);
  const { NVIDIA_TF32_OVERRIDE: _, ...env } = process.env;
  const { stdout } = await promisify(execFile)(process.execPath, ['program.mjs'], { cwd: folder, env });
  return JSON.parse(stdout);
}

describe.skipIf(reason !== undefined)('a CUDA provider that does not start', () => {
  test('leaves auto on the CPU, and says why', async () => {
    expect(await load({})).toEqual({
      label: expect.any(String),
      providers: ['cpu'],
      providerNote: expect.stringMatching(/^cpu: CUDA does not start: .*shared library/),
      warnings: [],
      tf32: '0', // set before CUDA's libraries are loaded
    });
  });

  test('is an error where CUDA was asked for, with what to install', async () => {
    expect(await load({ providers: ['cuda', 'cpu'] })).toEqual({
      code: 'PROVIDER_MISSING',
      message: expect.stringContaining('Failed to load shared library'),
      hint: expect.stringContaining('npm rebuild onnxruntime-node'),
    });
  });
});
