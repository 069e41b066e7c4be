/** The one place that loads onnxruntime-node: when a session is first opened, never on import. */
import type * as Ort from 'onnxruntime-node';
import { fail } from '../../src/core/errors.ts';

/** @throws PACKAGE_MISSING when onnxruntime-node is absent or has no binary for this system */
export async function loadOrt(): Promise<typeof Ort> {
  try {
    // A CommonJS package: its default export is the whole of it.
    const { default: ort } = (await import('onnxruntime-node')) as unknown as { readonly default: typeof Ort };
    return ort;
  } catch (error) {
    const reason = (error as Error).message.split('\n')[0];
    return fail(
      'PACKAGE_MISSING',
      `onnxruntime-node cannot be loaded on ${process.platform}/${process.arch}: ${reason}`,
      'Run `npm install onnxruntime-node` (Linux, macOS arm64 or Windows).',
      error,
    );
  }
}
