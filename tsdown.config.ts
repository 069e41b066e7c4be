import { defineConfig } from 'tsdown';

/**
 * ES modules only: Node ≥ 20.19 loads them from CommonJS as well, as long as none awaits at its top level.
 *
 * onnx-proto is bundled, everything else stays outside. It asks for protobufjs 6, whose messages are the same
 * bytes under the protobufjs 8 that this package depends on; bundled, it never reaches a user's node_modules.
 * A third package that slips into the bundle fails the build.
 */
export default defineConfig({
  entry: {
    index: 'src/index.ts',
    'models/index': 'models/index.ts',
    'exporters/index': 'exporters/index.ts',
    'runtime/index': 'runtime/index.ts',
    'parity/index': 'src/parity/index.ts',
    'data/index': 'src/data/index.ts',
    'report/index': 'src/report/index.ts',
    'tfjs/index': 'src/training/engines/tensorflow/index.ts',
    'cli/main': 'src/cli/main.ts',
  },
  platform: 'node',
  target: 'node20.19',
  fixedExtension: false,
  dts: true,
  deps: { onlyBundle: ['onnx-proto'] },
  copy: [{ from: 'node_modules/onnx-proto/LICENSE', rename: 'onnx-proto.LICENSE' }],
  checks: { pluginTimings: false },
  failOnWarn: true,
});
