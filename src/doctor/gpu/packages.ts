/** Where installed packages lie. */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

export function folderOf(name: string): string | undefined {
  try {
    return packageFolder(createRequire(import.meta.url).resolve(name), name);
  } catch {
    return undefined;
  }
}

/** The folder of the package that `entry` belongs to. */
function packageFolder(entry: string, name: string): string {
  const folder = dirname(entry);
  return folder.endsWith(`/node_modules/${name}`) || folder === dirname(folder) ? folder : packageFolder(folder, name);
}

/** Where onnxruntime's binding looks for its library for CUDA. */
export function onnxruntimeBinaries(): string | undefined {
  const folder = folderOf('onnxruntime-node');
  return folder && join(folder, 'bin/napi-v6/linux/x64');
}
