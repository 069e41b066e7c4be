/** The one place that loads onnxruntime-node: when a session is first opened, never on import. */
import { createRequire } from 'node:module';
import type * as Ort from 'onnxruntime-node';
import { fail } from '../../src/core/errors.ts';

export type OrtModule = typeof Ort;

/** Absolute path of the package's entry, for worker threads, which load it by themselves. @throws PACKAGE_MISSING */
export function locateOrt(): string {
  try {
    return createRequire(import.meta.url).resolve('onnxruntime-node');
  } catch (error) {
    return packageMissing(error);
  }
}

/** @throws PACKAGE_MISSING when onnxruntime-node is absent or has no binary for this system */
export async function loadOrt(): Promise<OrtModule> {
  try {
    // A CommonJS package: its default export is the whole of it.
    const { default: ort } = (await import('onnxruntime-node')) as unknown as { readonly default: OrtModule };
    return ort;
  } catch (error) {
    return packageMissing(error);
  }
}

/** @throws PACKAGE_MISSING */
export function packageMissing(error: unknown): never {
  const reason = (error as Error).message.split('\n')[0];
  fail(
    'PACKAGE_MISSING',
    `onnxruntime-node cannot be loaded on ${process.platform}/${process.arch}: ${reason}`,
    'Run `npm install onnxruntime-node` (Linux, macOS arm64 or Windows).',
    error,
  );
}
