/** The one place that loads onnxruntime-node: when a session is first opened, never on import. */
import * as nodeModule from 'node:module';
import { join } from 'node:path';
import type * as Ort from 'onnxruntime-node';
import { fail, firstLine } from '../../src/core/errors.ts';

export type OrtModule = typeof Ort;

/**
 * From 1.29 on onnxruntime's binaries for Linux and macOS report to Microsoft: models by name and digest, durations, and
 * an identifier that they keep in the cache folder (https://github.com/microsoft/onnxruntime/pull/27379). The library
 * looks once, when it begins; whoever wants the reports sets the variable to another value.
 */
function reportNothing(): void {
  process.env.ORT_DISABLE_TELEMETRY ??= '1';
}

/**
 * Absolute path of the package's entry, for worker threads and child processes, which load it by themselves. A bundler
 * may leave no address of this file, or one of the machine that it ran on: then the program's own folder is asked.
 * @throws PACKAGE_MISSING
 */
export function locateOrt(): string {
  reportNothing();
  const here: string | undefined = import.meta.url;
  let failure: unknown;
  for (const place of [here, process.argv[1], join(process.cwd(), 'program')]) {
    try {
      // By the namespace: webpack takes `createRequire(…).resolve` itself for one of its own, and gives a number.
      if (place) return nodeModule.createRequire(place).resolve('onnxruntime-node');
    } catch (error) {
      failure ??= error;
    }
  }
  return packageMissing(failure);
}

/** @throws PACKAGE_MISSING when onnxruntime-node is absent or has no binary for this system */
export async function loadOrt(): Promise<OrtModule> {
  reportNothing();
  try {
    // A CommonJS package: its default export is the whole of it, unless a bundler made the module out of its parts.
    const loaded = (await import('onnxruntime-node')) as unknown as OrtModule & { readonly default?: OrtModule };
    return loaded.default ?? loaded;
  } catch (error) {
    return packageMissing(error);
  }
}

/** E.g. `1.30.0`. @throws PACKAGE_MISSING */
export async function ortVersion(): Promise<string> {
  return (await loadOrt()).env.versions.node ?? 'unknown';
}

/** @throws PACKAGE_MISSING */
export function packageMissing(error: unknown): never {
  fail(
    'PACKAGE_MISSING',
    `onnxruntime-node cannot be loaded on ${process.platform}/${process.arch}: ${firstLine(error)}`,
    'Run `npm install onnxruntime-node` (Linux, macOS arm64 or Windows).',
    error,
  );
}
