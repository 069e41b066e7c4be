import type { ModelSpec } from '../../../models/layers.ts';
import { parseSpec } from '../../../models/spec.ts';
import { zooModel } from '../../../models/zoo/zoo.ts';
import { fail } from '../../core/errors.ts';
import { readFileWhole } from '../../core/files.ts';
import type { SpecSource } from '../../training/describe-model.ts';
import type { RunOptionsInput } from '../../training/options.ts';

export interface OpenedSpec {
  readonly spec: SpecSource;
  /** What a known model is trained with unless the options say otherwise. */
  readonly defaults: RunOptionsInput;
}

/** A model of the zoo by its name, or the spec in a `.json` file. @throws MODEL_UNKNOWN, and as `readSpec` */
export async function openSpec(name: string): Promise<OpenedSpec> {
  if (name.endsWith('.json')) return { spec: await readSpec(name), defaults: {} };
  const { build, defaults } = zooModel(name);
  return { spec: build, defaults };
}

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
