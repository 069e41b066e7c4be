/**
 * What an ONNX file carries besides the graph, so that the one file is enough to classify raw text. The values are
 * JSON under one key each, for readers in other languages; docs/onnx-file.md describes them.
 */
import { fail } from '../../src/core/errors.ts';
import { descriptionOf, formatVersion, readDescription } from '../description.ts';
import type { ModelDescription, TrainedModel } from '../model.ts';
import { type FileHeader, readHeader } from './header.ts';
import { producer } from './producer.ts';

export interface ModelMetadata extends ModelDescription {
  /** Program that wrote the file. */
  readonly producer: FileHeader['producer'];
  readonly opset: number;
}

const prefix = 'recurrent-onnx.';

/**
 * The metadata of `model` in the order of the file; the same model gives the same entries.
 * @throws METADATA_INVALID when labels, vocabulary or preprocessing do not fit the spec
 */
export function metadataProps(model: TrainedModel): [key: string, value: string][] {
  const description = descriptionOf(model);
  readDescription(formatVersion, description, refuse);
  return Object.entries({ format: formatVersion, ...description }).map(([key, value]) => [
    `${prefix}${key}`,
    JSON.stringify(value),
  ]);
}

/**
 * Reads the metadata of an ONNX file without its graph.
 * @throws ONNX_INVALID when the file is cut short, damaged or none; METADATA_INVALID when it lacks what is needed to classify text
 */
export function readMetadata(bytes: Uint8Array): ModelMetadata {
  const header = readHeader(bytes);
  const entries = header.metadata.filter(([key]) => key.startsWith(prefix));
  if (entries.length === 0) {
    fail(
      'METADATA_INVALID',
      `the ONNX file has no metadata of ${producer.name}: vocabulary and labels are unknown`,
      'Use a file written by `recurrent export`.',
    );
  }
  const values: Record<string, unknown> = {};
  for (const [key, value] of entries) {
    const name = key.slice(prefix.length);
    if (Object.hasOwn(values, name)) refuse(`${key} is there twice`);
    values[name] = parseJson(key, value);
  }
  const { format, ...contents } = values;
  return { ...readDescription(format, contents, refuse), producer: header.producer, opset: header.opset };
}

function parseJson(key: string, value: string): unknown {
  try {
    return JSON.parse(value);
  } catch (error) {
    return refuse(`${key} is no JSON`, error);
  }
}

function refuse(what: string, cause?: unknown): never {
  fail(
    'METADATA_INVALID',
    `the metadata cannot be used: ${what}`,
    'Use a newer version of recurrent-onnx, or export the model again with this one.',
    cause,
  );
}
