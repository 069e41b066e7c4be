/**
 * Apps around the runtime, made by the bundlers that test/package/bundlers.test.ts leaves out, as they are set up by
 * default: webpack and Rollup (and Vite for servers) for Node, each as CommonJS and as ES module; Vite, webpack and esbuild
 * for browsers. Bundles for Node are run in a folder that has onnxruntime-node and nothing else, bundles for browsers in
 * Chromium. The bundlers come from the registry, at these versions.
 */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { promisify } from 'node:util';
import { build as esbuild } from 'esbuild';
import { chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { exportOnnx } from '../../exporters/export.ts';
import { planModel } from '../../models/plan.ts';
import { createEncoder } from '../../models/text/encoder.ts';
import { referenceForward } from '../../src/reference/reference.ts';
import { build, repository } from '../package/built-package.ts';
import { chromiumPath, whyNoChromium } from '../support/chromium.ts';
import { modelOf } from '../support/trained-model.ts';

const bundlers = {
  webpack: '5.112.2',
  rollup: '4.68.8',
  '@rollup/plugin-node-resolve': '16.0.3',
  vite: '8.3.8',
};

const model = modelOf([
  { type: 'embedding', inputDim: 30, outputDim: 4, maskZero: true },
  { type: 'lstm', units: 5 },
  { type: 'dense', units: 1, activation: 'sigmoid' },
]);
const encoder = createEncoder({ ...model, vocabularySize: planModel(model.spec).vocabularySize });
const expected = referenceForward(model, encoder.encodeAll(['w1 w2 w3']).ids, 1, 6).probabilities[0] ?? Number.NaN;
/** The project's bound for float32 against float64. */
const expectRight = (p: unknown) => expect(Math.abs(Number(p) - expected)).toBeLessThan(5e-6);

const run = promisify(execFile);
let folder: string;
/** Has the bundlers and the package. */
let workshop: string;
/** Has onnxruntime-node. */
let field: string;

beforeAll(async () => {
  build();
  folder = await mkdtemp(join(tmpdir(), 'bundlers-'));
  [workshop, field] = [join(folder, 'workshop'), join(folder, 'field')];
  for (const home of [workshop, field]) {
    await mkdir(join(home, 'node_modules'), { recursive: true });
    await writeFile(join(home, 'package.json'), '{ "private": true }');
  }
  const names = Object.entries(bundlers).map(([name, version]) => `${name}@${version}`);
  await run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', ...names], { cwd: workshop });
  await symlink(repository, join(workshop, 'node_modules/recurrent-onnx'));
  await symlink(join(repository, 'node_modules/onnxruntime-web'), join(workshop, 'node_modules/onnxruntime-web'));
  for (const name of ['onnxruntime-node', 'onnxruntime-common']) {
    await symlink(join(repository, 'node_modules', name), join(field, 'node_modules', name));
  }
  await writeFile(join(field, 'model.onnx'), exportOnnx(model));
  await writeFile(
    join(workshop, 'app.mjs'),
    `import { loadClassifier } from 'recurrent-onnx/runtime';
     async function main() {
       for (const isolation of ['none', 'process']) {
         const classifier = await loadClassifier('model.onnx', { isolation });
         console.log((await classifier.predict('w1 w2 w3')).scores['class 1']);
         await classifier.dispose();
       }
     }
     main();`,
  );
  await mkdir(join(workshop, 'web'));
  await writeFile(join(workshop, 'web/index.html'), '<!doctype html><script type="module" src="./app.js"></script>');
  await writeFile(
    join(workshop, 'web/app.js'),
    `import { loadClassifier } from 'recurrent-onnx/web';
     const classifier = await loadClassifier('/model.onnx');
     document.title = (await classifier.predict('w1 w2 w3')).scores['class 1'];
     await classifier.dispose();`,
  );
}, 180_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Runs the configuration of a bundler as a program of the workshop. What it warns of fails the test. */
async function bundle(name: string, program: string): Promise<void> {
  await writeFile(join(workshop, `${name}.mjs`), program);
  const { stdout, stderr } = await run(process.execPath, [`${name}.mjs`], {
    cwd: workshop,
    env: { ...process.env, NODE_ENV: 'production' },
  });
  expect({ stdout: stdout.trim(), stderr: stderr.trim() }).toEqual({ stdout: '', stderr: '' });
}

const inField = (path: string) => JSON.stringify(join(field, path));
const webpacked = (configuration: string) => `
  import webpack from 'webpack';
  webpack({ mode: 'production', performance: { hints: false }, ${configuration} }, (error, stats) => {
    if (error || stats.hasErrors() || stats.hasWarnings()) console.log(error ?? stats.toString('errors-warnings'));
  });`;

describe('for Node', () => {
  test.each([
    [
      'webpack',
      'cjs',
      webpacked(`target: 'node20', entry: './app.mjs', externals: { 'onnxruntime-node': 'commonjs onnxruntime-node' },
        output: { path: FIELD, filename: 'app.cjs', chunkFilename: '[id].cjs' }`),
    ],
    [
      'webpack',
      'mjs',
      webpacked(`target: 'node20', entry: './app.mjs', externals: { 'onnxruntime-node': 'import onnxruntime-node' },
        experiments: { outputModule: true },
        output: { path: FIELD, filename: 'app.mjs', chunkFilename: '[id].mjs', module: true }`),
    ],
    ...(['cjs', 'mjs'] as const).map(
      (extension) =>
        [
          'rollup',
          extension,
          `import { rollup } from 'rollup';
           import { nodeResolve } from '@rollup/plugin-node-resolve';
           const bundle = await rollup({ input: 'app.mjs', external: ['onnxruntime-node', /^node:/],
             plugins: [nodeResolve({ preferBuiltins: true })],
             // of a comment in zod, which Rollup leaves out
             onwarn: ({ code, message }) => code !== 'INVALID_ANNOTATION' && console.log(message) });
           await bundle.write({ dir: FIELD, format: '${extension === 'cjs' ? 'cjs' : 'es'}',
             entryFileNames: 'app.${extension}', chunkFileNames: '[name].${extension}' });
           await bundle.close();`,
        ] as const,
    ),
    [
      'vite',
      'mjs',
      `import { build } from 'vite';
       await build({ configFile: false, logLevel: 'warn', ssr: { noExternal: true, external: ['onnxruntime-node'] },
         build: { ssr: 'app.mjs', outDir: FIELD, emptyOutDir: true, rollupOptions: { output: { entryFileNames: 'app.mjs' } } } });`,
    ],
  ] as const)('%s to .%s', { timeout: 60_000 }, async (name, extension, program) => {
    const place = `${name}-${extension}`;
    await bundle(place, program.replace('FIELD', inField(place)));
    const { stdout, stderr } = await run(process.execPath, [join(field, place, `app.${extension}`)], { cwd: field });
    expect(stderr).toBe('');
    const probabilities = stdout.trim().split('\n');
    expect(probabilities).toHaveLength(2);
    for (const p of probabilities) expectRight(p);
  });
});

if (!chromiumPath) console.log(`skipped: bundles for browsers: ${whyNoChromium}`);
describe.skipIf(!chromiumPath)(`for browsers${chromiumPath ? '' : `: ${whyNoChromium}`}`, () => {
  const types: Readonly<Record<string, string>> = {
    '.html': 'text/html',
    '.js': 'text/javascript',
    '.mjs': 'text/javascript',
    '.wasm': 'application/wasm',
  };

  /** What the page in `home` makes its title. */
  async function titleOf(home: string): Promise<string> {
    await copyFile(join(field, 'model.onnx'), join(home, 'model.onnx'));
    const server = createServer(async ({ url = '/' }, response) => {
      const path = join(home, url === '/' ? 'index.html' : url);
      const body = await readFile(path).catch(() => undefined);
      if (body === undefined) return response.writeHead(404).end();
      return response.writeHead(200, { 'content-type': types[extname(path)] ?? 'application/octet-stream' }).end(body);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const browser = await chromium.launch({ executablePath: chromiumPath ?? '', args: ['--no-sandbox'] });
    try {
      const page = await browser.newPage();
      const said: string[] = [];
      page.on('pageerror', (error) => said.push(error.message));
      await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
      await page.waitForFunction('document.title !== ""', undefined, { timeout: 20_000 }).catch(() => {});
      expect(said).toEqual([]);
      return await page.title();
    } finally {
      await browser.close();
      server.closeAllConnections();
      server.close();
    }
  }

  test('vite', { timeout: 60_000 }, async () => {
    await bundle(
      'vite-web',
      `import { build } from 'vite';
       await build({ configFile: false, root: 'web', logLevel: 'warn', build: { outDir: ${inField('vite-web')}, emptyOutDir: true } });`,
    );
    expectRight(await titleOf(join(field, 'vite-web')));
  });

  test('webpack', { timeout: 60_000 }, async () => {
    const home = join(field, 'webpack-web');
    await bundle(
      'webpack-web',
      webpacked(`entry: './web/app.js', experiments: { outputModule: true },
        output: { path: ${JSON.stringify(home)}, filename: 'app.js', module: true }`),
    );
    await copyFile(join(workshop, 'web/index.html'), join(home, 'index.html'));
    expectRight(await titleOf(home));
  });

  test('esbuild, with the .wasm file beside the bundle', { timeout: 60_000 }, async () => {
    const home = join(field, 'esbuild-web');
    await esbuild({
      entryPoints: [join(workshop, 'web/app.js')],
      outfile: join(home, 'app.js'),
      bundle: true,
      format: 'esm',
      logLevel: 'error',
    });
    const wasm = 'ort-wasm-simd-threaded.wasm';
    await copyFile(join(repository, 'node_modules/onnxruntime-web/dist', wasm), join(home, wasm));
    await copyFile(join(workshop, 'web/index.html'), join(home, 'index.html'));
    expectRight(await titleOf(home));
  });
});
