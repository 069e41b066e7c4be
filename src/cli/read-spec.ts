import type { ModelSpec } from '../../models/layers.ts';
import { parseSpec } from '../../models/spec.ts';
import { fail } from '../core/errors.ts';
import { readFileWhole } from '../core/files.ts';

/** 64 layers fit into a small part of it. */
const sizeLimit = 1_000_000;

/** Reads the spec of a model from a JSON file. @throws FILE_NOT_FOUND, FILE_ACCESS, SPEC_INVALID */
export async function readSpec(path: string): Promise<ModelSpec> {
  const bytes = await readFileWhole(path);
  if (bytes.length > sizeLimit) refuse(path, `has ${bytes.length} bytes, a spec has at most ${sizeLimit}`);
  return parseSpec(parseJson(bytes, path));
}

function parseJson(bytes: Uint8Array, path: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    return refuse(path, `is no JSON: ${error instanceof Error ? error.message : error}`, error);
  }
}

function refuse(path: string, what: string, cause?: unknown): never {
  fail('SPEC_INVALID', `${path} ${what}`, 'Give a JSON file as docs/spec.md describes it.', cause);
}
