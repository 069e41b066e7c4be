/**
 * Apps that use the runtime as they do in the field: bundled by esbuild and by rolldown, as ES module and CommonJS,
 * moved to a folder that has onnxruntime-node and nothing else; and in a worker thread, from both kinds of modules.
 */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build as esbuild } from 'esbuild';
import { build as tsdown } from 'tsdown';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { exportOnnx } from '../../exporters/export.ts';
import { planModel } from '../../models/plan.ts';
import { createEncoder } from '../../models/text/encoder.ts';
import { referenceForward } from '../../src/reference/reference.ts';
import { modelOf } from '../support/trained-model.ts';
import { build, repository } from './built-package.ts';

const model = modelOf([
  { type: 'embedding', inputDim: 30, outputDim: 4, maskZero: true },
  { type: 'lstm', units: 5 },
  { type: 'dense', units: 1, activation: 'sigmoid' },
]);
const encoder = createEncoder({ ...model, vocabularySize: planModel(model.spec).vocabularySize });
const expected = referenceForward(model, encoder.encodeAll(['w1 w2 w3']).ids, 1, 6).probabilities[0] ?? Number.NaN;

let folder: string;
/** Where the app is written and bundled: it has the package. */
let workshop: string;
/** Where it runs: it has onnxruntime-node. */
let field: string;

/** Classifies in this process and in a child. */
const program = `
  const probabilities = [];
  for (const isolation of ['none', 'process']) {
    const classifier = await loadClassifier('model.onnx', { isolation });
    probabilities.push((await classifier.predict('w1 w2 w3')).scores['class 1']);
    await classifier.dispose();
  }
  console.log(JSON.stringify(probabilities));`;

beforeAll(async () => {
  build();
  folder = await mkdtemp(join(tmpdir(), 'bundlers-'));
  [workshop, field] = [join(folder, 'workshop'), join(folder, 'field')];
  for (const [home, packages] of [
    [workshop, { 'recurrent-onnx': repository }],
    [
      field,
      {
        'onnxruntime-node': join(repository, 'node_modules/onnxruntime-node'),
        'onnxruntime-common': join(repository, 'node_modules/onnxruntime-common'),
      },
    ],
  ] as const) {
    await mkdir(join(home, 'node_modules'), { recursive: true });
    await writeFile(join(home, 'package.json'), '{ "private": true }');
    for (const [name, target] of Object.entries(packages)) await symlink(target, join(home, 'node_modules', name));
  }
  await writeFile(join(field, 'model.onnx'), exportOnnx(model));
  await writeFile(
    join(workshop, 'app.mjs'),
    `import { loadClassifier } from 'recurrent-onnx/runtime';
     async function main() {${program}}
     main();`,
  );
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function printed(file: string, cwd: string): Promise<number[]> {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [file], { cwd });
  expect(stderr).toBe('');
  return JSON.parse(stdout);
}

/** The project's bound for float32 against float64. */
function expectRight(probabilities: readonly number[]): void {
  expect(probabilities).toHaveLength(2);
  for (const p of probabilities) expect(Math.abs(p - expected)).toBeLessThan(5e-6);
}

const formats = [
  ['esm', 'mjs'],
  ['cjs', 'cjs'],
] as const;

describe('bundled', () => {
  test.each(formats)('by esbuild as %s, minified', async (format, extension) => {
    const outfile = join(field, `esbuild.${extension}`);
    await esbuild({
      entryPoints: [join(workshop, 'app.mjs')],
      outfile,
      format,
      bundle: true,
      minify: true,
      platform: 'node',
      target: 'node20',
      external: ['onnxruntime-node'],
      logLevel: 'error',
    });
    expectRight(await printed(outfile, field));
  });

  test.each(formats)('by rolldown as %s, minified', async (format, extension) => {
    await tsdown({
      config: false,
      cwd: workshop,
      entry: { rolldown: join(workshop, 'app.mjs') },
      outDir: join(field, format),
      format,
      minify: true,
      platform: 'node',
      dts: false,
      deps: { alwaysBundle: [/^recurrent-onnx/], neverBundle: ['onnxruntime-node'] },
      outExtensions: () => ({ js: `.${extension}` }),
      logLevel: 'silent',
    });
    expectRight(await printed(join(field, format, `rolldown.${extension}`), field));
  });
});

test.each([
  ['an ES module', 'mjs', `import { loadClassifier } from 'recurrent-onnx/runtime';`],
  ['CommonJS', 'cjs', `const { loadClassifier } = require('recurrent-onnx/runtime');`],
])('in two worker threads at once, from %s', async (_, extension, load) => {
  const home = join(workshop, extension);
  await mkdir(home, { recursive: true });
  await symlink(join(field, 'model.onnx'), join(home, 'model.onnx'));
  await writeFile(
    join(home, `worker.${extension}`),
    `${load}
     async function main() {${program.replace('console.log(JSON.stringify(probabilities))', 'process.threadResult = probabilities')}
       const { parentPort } = ${extension === 'mjs' ? `await import('node:worker_threads')` : `require('node:worker_threads')`};
       parentPort.postMessage(process.threadResult);
     }
     main();`,
  );
  await writeFile(
    join(home, 'main.mjs'),
    `import { once } from 'node:events';
     import { Worker } from 'node:worker_threads';
     const workers = [1, 2].map(() => new Worker(new URL('./worker.${extension}', import.meta.url)));
     const answers = await Promise.all(workers.map((worker) => once(worker, 'message')));
     await Promise.all(workers.map((worker) => worker.terminate()));
     console.log(JSON.stringify(answers.flat(2)));`,
  );
  const probabilities = await printed(join(home, 'main.mjs'), home);
  expect(probabilities).toHaveLength(4);
  for (const p of probabilities) expect(Math.abs(p - expected)).toBeLessThan(5e-6);
});
