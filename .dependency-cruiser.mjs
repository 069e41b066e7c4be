/**
 * The walls between the folders. Each folder may import what its row names, itself, and the packages that no
 * other rule keeps away from it; type imports count like any other. `tools/check-walls.mjs` applies the rules,
 * `test/walls.test.ts` proves that each of them bites.
 */

import { builtinModules } from 'node:module';

const engines = 'src/training/engines';
const library = ['src/core', 'models', 'src/data', 'src/training', 'exporters', 'runtime', 'src/reference'];

/** Which folders a folder may import. */
const mayImport = {
  'src/core': [],
  models: ['src/core'],
  'src/data': ['src/core', 'models'],
  'src/training': ['src/core', 'models', 'src/data', 'exporters/graph', 'exporters/onnx', 'runtime/onnx'],
  exporters: ['src/core', 'models'],
  runtime: ['src/core', 'models'],
  'src/reference': ['src/core', 'models'],
  'src/report': ['src/core', 'models'],
  'src/parity': library,
  'src/bench': [...library, 'src/parity', 'src/report'],
  'src/chapter': [...library, 'src/parity', 'src/report'],
  'src/doctor': [...library, 'src/parity', 'src/report'],
};

/** @param {readonly string[]} folders */
const inside = (folders) => `^(${folders.join('|')})/`;

/** @type {import('dependency-cruiser').IForbiddenRuleType[]} */
const walls = Object.entries(mayImport).map(([folder, allowed]) => ({
  name: `wall-${folder.replace('/', '-')}`,
  comment: `${folder}/ may import only: ${allowed.join(', ') || 'nothing'}.`,
  severity: 'error',
  from: { path: inside([folder]) },
  to: {
    path: '^(src|models|exporters|runtime|test|tools|examples|benchmarks)/',
    pathNot: inside([folder, ...allowed]),
  },
}));

/** @param {string} name @param {string} packages @param {readonly string[]} folders @param {string} comment @returns {import('dependency-cruiser').IForbiddenRuleType} */
const onlyUnder = (name, packages, folders, comment) => ({
  name,
  comment,
  severity: 'error',
  from: { path: '^(src|models|exporters|runtime)/', pathNot: inside(folders) },
  to: { path: `(^|node_modules/)${packages}` },
});

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    ...walls,
    {
      name: 'core-needs-no-package',
      comment: 'src/core/ is the leaf: it needs Node and nothing else.',
      severity: 'error',
      from: { path: '^src/core/' },
      to: { dependencyTypesNot: ['core', 'local'] },
    },
    {
      name: 'nothing-imports-the-command-line',
      comment: 'src/cli/ is a user of the library like any other.',
      severity: 'error',
      from: { path: '^(src|models|exporters|runtime|examples|benchmarks)/', pathNot: '^src/cli/' },
      to: { path: '^src/cli/' },
    },
    onlyUnder(
      'tensorflow-in-its-engine',
      '@tensorflow/',
      [`${engines}/tensorflow`, 'src/bench'],
      'Only the tensorflow engine (and a benchmark, as a contender) knows TensorFlow.js.',
    ),
    onlyUnder(
      'onnx-messages-in-their-exporter',
      'onnx-proto',
      ['exporters/onnx'],
      'Only the exporter knows the ONNX message classes.',
    ),
    onlyUnder(
      'protobuf-in-its-exporter',
      'protobufjs',
      ['exporters/onnx', 'src/report/tensorboard', 'runtime/serving/grpc'],
      'Only the exporter, the events of TensorBoard, and gRPC know protobuf.',
    ),
    {
      name: 'fields-by-hand-need-only-the-minimal-protobuf',
      comment: 'Events walk the fields of a message by hand: protobufjs/minimal is enough.',
      severity: 'error',
      from: { path: '^src/report/tensorboard/' },
      to: { path: '(^|node_modules/)protobufjs', pathNot: 'protobufjs/minimal' },
    },
    onlyUnder(
      'onnxruntime-in-its-runtime',
      'onnxruntime-',
      ['runtime/onnx', 'src/bench'],
      'Only runtime/onnx/ (and a benchmark, as a contender) opens sessions.',
    ),
    onlyUnder(
      'archives-in-the-importers',
      '(jsfive|yauzl)',
      ['models/importers'],
      'Only the importers read zip archives and HDF5.',
    ),
    onlyUnder(
      'servers-in-serving',
      '(fastify|pino|prom-client|@grpc/)',
      ['runtime/serving', 'src/cli'],
      'Only runtime/serving/ (and the command line, for its log) knows HTTP, gRPC, metrics and logs.',
    ),
    {
      name: 'prediction-needs-no-server',
      comment: 'An app that embeds a classifier loads nothing of the server.',
      severity: 'error',
      from: { path: '^runtime/', pathNot: inside(['runtime/serving']) },
      to: { path: inside(['runtime/serving']) },
    },
    {
      name: 'runtime-stays-light',
      comment: 'Predicting must never load TensorFlow.js, protobufjs or the ONNX messages, however far away.',
      severity: 'error',
      from: { path: '^runtime/', pathNot: inside(['runtime/serving']) },
      to: { path: '(^|node_modules/)(@tensorflow/|onnx-proto|protobufjs)', reachable: true },
    },
    {
      name: 'web-stays-in-the-browser',
      comment: 'runtime/web/ must never reach what only Node has, however far away.',
      severity: 'error',
      from: { path: '^runtime/web/' },
      to: { path: `^(node:|(${builtinModules.join('|')})$)|(^|node_modules/)onnxruntime-node`, reachable: true },
    },
    {
      name: 'no-cycles',
      comment: 'Neither values nor types go round in a circle.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'published-code-needs-published-packages',
      comment:
        'Users do not get devDependencies. onnx-proto is bundled; the optional peers are asked for when missing.',
      severity: 'error',
      from: { path: '^(src|models|exporters|runtime)/' },
      to: {
        dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'],
        dependencyTypesNot: ['npm-peer'],
        pathNot: 'onnx-proto',
      },
    },
    {
      name: 'every-import-resolves',
      comment: 'A path that leads nowhere would pass every other rule unseen.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'types', 'node', 'default'] },
  },
};
