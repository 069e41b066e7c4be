import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type InlineConfig } from 'tsdown';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** `recurrent-onnx/runtime` of these sources as `folder/dist/runtime.mjs`, outside the repository. */
export async function bundleRuntime(folder: string, deps: InlineConfig['deps'] = {}): Promise<void> {
  await build({
    config: false,
    cwd: root,
    entry: { runtime: join(root, 'runtime/index.ts') },
    outDir: join(folder, 'dist'),
    format: 'esm',
    platform: 'node',
    dts: false,
    logLevel: 'silent',
    deps,
  });
}
