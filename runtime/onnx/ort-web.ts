/** The one place that loads onnxruntime-web, which its package builds twice: for browsers and for Node. */
import type * as Ort from 'onnxruntime-web/wasm';
import { fail, firstLine } from '../../src/core/errors.ts';

export type OrtWebModule = typeof Ort;

/** For browsers, without the parts for WebGPU and WebGL, which cannot run recurrent nodes. @throws PACKAGE_MISSING */
export function loadOrtWeb(): Promise<OrtWebModule> {
  return import('onnxruntime-web/wasm').catch(packageMissing);
}

/** @throws PACKAGE_MISSING */
export function loadOrtWebForNode(): Promise<OrtWebModule> {
  return import('onnxruntime-web').catch(packageMissing);
}

function packageMissing(error: unknown): never {
  fail(
    'PACKAGE_MISSING',
    `onnxruntime-web cannot be loaded: ${firstLine(error)}`,
    'Run `npm install onnxruntime-web`; without a bundler, name onnxruntime-web/wasm in an import map.',
    error,
  );
}
