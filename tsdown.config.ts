import { defineConfig, type UserConfig } from 'tsdown';

/**
 * ES modules only: Node ≥ 20.19 loads them from CommonJS as well, as long as none awaits at its top level.
 *
 * onnx-proto and zod are bundled, everything else stays outside. onnx-proto asks for protobufjs 6, whose messages are
 * the same bytes under the protobufjs 8 that this package depends on; bundled, it never reaches a user's node_modules.
 * zod brings its messages in fifty languages; bundled without them, the runtime loads in half the time. Its types stay
 * outside, for whoever uses the schema of a spec with a zod of their own.
 * A third package that slips into the bundle fails the build.
 */
const common = {
  entry: {
    index: 'src/index.ts',
    'models/index': 'models/index.ts',
    'import/index': 'models/importers/index.ts',
    'exporters/index': 'exporters/index.ts',
    'runtime/index': 'runtime/index.ts',
    'serving/index': 'runtime/serving/index.ts',
    'parity/index': 'src/parity/index.ts',
    'data/index': 'src/data/index.ts',
    'report/index': 'src/report/index.ts',
    'tfjs/index': 'src/training/engines/tensorflow/index.ts',
    'cli/main': 'src/cli/main.ts',
  },
  platform: 'node',
  target: 'node20.19',
  fixedExtension: false,
  checks: { pluginTimings: false },
  failOnWarn: true,
} as const satisfies UserConfig;

export default defineConfig([
  {
    ...common,
    dts: false,
    deps: { alwaysBundle: ['zod'], onlyBundle: ['onnx-proto', 'zod'] },
    copy: [
      { from: 'node_modules/onnx-proto/LICENSE', rename: 'onnx-proto.LICENSE' },
      { from: 'node_modules/zod/LICENSE', rename: 'zod.LICENSE' },
      ...['html', 'css', 'js'].map((kind) => ({
        from: `runtime/serving/page/page.${kind}`,
        rename: `page/page.${kind}`,
      })),
    ],
  },
  {
    ...common,
    entry: { ...common.entry, 'web/index': 'runtime/web/index.ts' },
    dts: { emitDtsOnly: true },
    clean: false,
  },
  /**
   * For browsers: one file that a page can load as it stands; only onnxruntime-web, which brings WebAssembly along, stays
   * outside.
   */
  {
    entry: { 'web/index': 'runtime/web/index.ts' },
    platform: 'browser',
    target: 'es2022',
    minify: true,
    clean: false,
    fixedExtension: false,
    dts: false,
    deps: { alwaysBundle: ['zod'], onlyBundle: ['zod'] },
    copy: [{ from: 'node_modules/zod/LICENSE', rename: 'web/zod.LICENSE' }],
    checks: { pluginTimings: false },
    failOnWarn: true,
  },
]);
