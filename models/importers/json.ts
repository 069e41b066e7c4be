/** JSON of files that nobody vouches for. */
import { fail } from '../../src/core/errors.ts';

export type Json = Readonly<Record<string, unknown>>;

export function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Far above the description of any chain of layers. */
const sizeLimit = 64_000_000;

/** @param path named in errors @throws IMPORT_INVALID */
export function parseJson(bytes: Uint8Array, path: string): unknown {
  if (bytes.length > sizeLimit)
    return refuseFile(path, `has ${bytes.length} bytes of JSON, at most ${sizeLimit} are read`);
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    return refuseFile(path, `is no JSON: ${error instanceof Error ? error.message : error}`, error);
  }
}

/** @throws IMPORT_INVALID */
export function refuseFile(path: string, what: string, cause?: unknown): never {
  fail('IMPORT_INVALID', `${path} ${what}`, 'Save the model again, or use another copy of the file.', cause);
}
