/**
 * Proves that every wall stands: in a small tree of the same folders, one import that breaks a rule must be
 * found, under that rule's name. A rule whose pattern matches nothing would otherwise look like a clean house.
 */
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cruise } from 'dependency-cruiser';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import rules from '../.dependency-cruiser.mjs';

const repository = fileURLToPath(new URL('..', import.meta.url));
let root: string;

/** One file in each folder, for the others to import. */
const folders = [
  'src/core',
  'models',
  'models/metadata',
  'src/data',
  'src/training',
  'src/training/engines/tensorflow',
  'exporters/graph',
  'exporters/lower',
  'exporters/onnx',
  'runtime/onnx',
  'runtime/predict',
  'runtime/serving',
  'runtime/web',
  'src/reference',
  'src/report',
  'src/report/tensorboard',
  'src/parity',
  'src/bench',
  'src/chapter',
  'src/doctor',
  'src/cli',
  'examples',
];

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'walls-'));
  await symlink(join(repository, 'node_modules'), join(root, 'node_modules'));
  await symlink(join(repository, 'package.json'), join(root, 'package.json'));
  await symlink(join(repository, 'tsconfig.json'), join(root, 'tsconfig.json'));
  for (const folder of folders) await write(`${folder}/home.ts`, 'export const home = 1;\nexport type Home = 1;\n');
});

afterAll(() => rm(root, { recursive: true, force: true }));

async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), text);
}

/** The names of the rules that the tree breaks once `files` are added. */
async function brokenBy(files: Record<string, string>): Promise<string[]> {
  for (const [path, text] of Object.entries(files)) await write(path, text);
  try {
    const { output } = await cruise(['src', 'models', 'exporters', 'runtime', 'examples'], {
      ...rules.options,
      ruleSet: { forbidden: rules.forbidden ?? [] },
      validate: true,
      baseDir: root,
    });
    if (typeof output === 'string') throw new Error(output);
    return [...new Set(output.summary.violations.map(({ rule }) => rule.name))].sort();
  } finally {
    for (const path of Object.keys(files)) await rm(join(root, path));
  }
}

const up = (from: string): string => '../'.repeat(from.split('/').length);
const value = (from: string, to: string): Record<string, string> => ({
  [`${from}/visitor.ts`]: `import { home } from '${up(from)}${to}/home.ts';\nexport const visit = home;\n`,
});
const type = (from: string, to: string): Record<string, string> => ({
  [`${from}/visitor.ts`]: `import type { Home } from '${up(from)}${to}/home.ts';\nexport type Visit = Home;\n`,
});
const external = (from: string, name: string): Record<string, string> => ({
  [`${from}/visitor.ts`]: `import thing from '${name}';\nexport const visit = thing;\n`,
});

type Case = readonly [from: string, to: string, broken: readonly string[]];

const folderCases: readonly Case[] = [
  ['src/core', 'models', ['wall-src-core']],
  ['models', 'src/data', ['wall-models']],
  ['models', 'exporters/graph', ['wall-models']],
  ['src/data', 'src/training', ['wall-src-data']],
  ['src/training', 'src/reference', ['wall-src-training']],
  ['src/training', 'exporters/lower', ['wall-src-training']],
  ['src/training', 'runtime/predict', ['wall-src-training']],
  ['exporters/lower', 'src/training', ['wall-exporters']],
  ['runtime/predict', 'exporters/onnx', ['wall-runtime']],
  ['runtime/predict', 'src/data', ['wall-runtime']],
  ['runtime/predict', 'runtime/serving', ['prediction-needs-no-server']],
  ['src/reference', 'src/training', ['wall-src-reference']],
  ['src/reference', 'exporters/graph', ['wall-src-reference']],
  ['src/report', 'src/training', ['wall-src-report']],
  ['src/parity', 'src/bench', ['wall-src-parity']],
  ['src/bench', 'examples', ['wall-src-bench']],
  ['src/chapter', 'src/bench', ['wall-src-chapter']],
  ['src/doctor', 'src/chapter', ['wall-src-doctor']],
  ['src/parity', 'src/chapter', ['wall-src-parity']],
  ['src/parity', 'src/cli', ['nothing-imports-the-command-line', 'wall-src-parity']],
  ['examples', 'src/cli', ['nothing-imports-the-command-line']],
];

const packageCases: readonly Case[] = [
  ['src/training', '@tensorflow/tfjs-core', ['tensorflow-in-its-engine']],
  ['src/parity', '@tensorflow/tfjs-layers', ['tensorflow-in-its-engine']],
  ['exporters/lower', 'onnx-proto', ['onnx-messages-in-their-exporter']],
  ['runtime/predict', 'onnx-proto', ['onnx-messages-in-their-exporter', 'runtime-stays-light']],
  ['models', 'protobufjs/minimal.js', ['protobuf-in-its-exporter']],
  ['models/metadata', 'protobufjs/minimal.js', ['protobuf-in-its-exporter']],
  ['src/report', 'protobufjs/minimal.js', ['protobuf-in-its-exporter']],
  ['src/report/tensorboard', 'protobufjs', ['fields-by-hand-need-only-the-minimal-protobuf']],
  ['src/training', 'onnxruntime-node', ['onnxruntime-in-its-runtime']],
  ['runtime/predict', 'onnxruntime-common', ['onnxruntime-in-its-runtime']],
  ['models', 'yauzl', ['archives-in-the-importers']],
  ['models/metadata', 'jsfive', ['archives-in-the-importers']],
  ['runtime/predict', 'fastify', ['servers-in-serving']],
  ['runtime/web', 'node:fs', ['web-stays-in-the-browser']],
  ['src/core', 'zod', ['core-needs-no-package']],
  ['src/data', 'fast-check', ['published-code-needs-published-packages']],
  ['src/data', './missing.ts', ['every-import-resolves']],
];

describe('the walls', () => {
  it('find nothing wrong in a tree that keeps them', async () => {
    expect(await brokenBy({})).toEqual([]);
    expect(
      await brokenBy({
        ...value('models', 'src/core'),
        ...value('src/data', 'models'),
        ...value('src/training', 'exporters/graph'),
        ...type('exporters/lower', 'models'),
        ...external('runtime/onnx', 'onnxruntime-node'),
        ...external('exporters/onnx', 'onnx-proto'),
        ...external('src/report/tensorboard', 'protobufjs/minimal.js'),
        ...external('src/training/engines/tensorflow', '@tensorflow/tfjs-core'),
        ...value('src/parity', 'src/reference'),
        ...value('src/bench', 'src/report'),
        ...value('src/chapter', 'src/parity'),
        ...value('src/cli', 'src/parity'),
      }),
    ).toEqual([]);
  });

  it.each(folderCases)('%s may not import %s, not even a type', async (from, to, broken) => {
    expect(await brokenBy(value(from, to))).toEqual(broken);
    expect(await brokenBy(type(from, to))).toEqual(broken);
  });

  it.each(packageCases)('%s may not import %s', async (from, name, broken) => {
    expect(await brokenBy(external(from, name))).toEqual(broken);
  });

  it('runtime/ may not reach the ONNX messages through another folder', async () => {
    const files = { ...external('exporters/onnx', 'onnx-proto'), ...value('runtime/onnx', 'models') };
    files['models/home.ts'] = "export { visit as home } from '../exporters/onnx/visitor.ts';\n";
    const broken = await brokenBy(files);
    await write('models/home.ts', 'export const home = 1;\nexport type Home = 1;\n');
    expect(broken).toContain('runtime-stays-light');
  });

  it('runtime/web/ may not reach what is of Node through another folder', async () => {
    const files = { ...external('runtime/onnx', 'onnxruntime-node'), ...value('runtime/web', 'runtime/onnx') };
    files['runtime/web/visitor.ts'] = "export { visit } from '../onnx/visitor.ts';\n";
    expect(await brokenBy(files)).toEqual(['web-stays-in-the-browser']);
  });

  it('nothing goes round in a circle, not even types', async () => {
    expect(
      await brokenBy({
        'models/egg.ts': "import type { Hen } from './hen.ts';\nexport type Egg = { layer?: Hen };\n",
        'models/hen.ts': "import type { Egg } from './egg.ts';\nexport type Hen = { egg?: Egg };\n",
      }),
    ).toEqual(['no-cycles']);
  });

  it('each have a case here', () => {
    const tried = new Set([...folderCases, ...packageCases].flatMap(([, , broken]) => broken)).add('no-cycles');
    expect(rules.forbidden?.map(({ name }) => name).filter((name) => name === undefined || !tried.has(name))).toEqual(
      [],
    );
  });
});
