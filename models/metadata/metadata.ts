/**
 * What an ONNX file carries besides the graph, so that the one file is enough to classify raw text. The values are
 * JSON under one key each, for readers in other languages; docs/onnx-file.md describes them.
 */
import { z } from 'zod';
import { fail, RecurrentError } from '../../src/core/errors.ts';
import type { ModelSpec } from '../layers.ts';
import { type TrainedModel, type TrainingRecord, trainingRecordSchema } from '../model.ts';
import { planModel } from '../plan.ts';
import { parseSpec } from '../spec.ts';
import { type Preprocessing, preprocessingSchema } from '../text/preprocessing.ts';
import { type FileHeader, readHeader } from './header.ts';
import { formatVersion, migrate } from './migrations.ts';
import { producer } from './producer.ts';

export interface ModelMetadata {
  readonly spec: ModelSpec;
  readonly preprocessing: Preprocessing;
  /** Word i has id `firstWordId + i`. */
  readonly vocabulary: readonly string[];
  /** Names of the classes by index. */
  readonly labels: readonly string[];
  readonly training?: TrainingRecord | undefined;
  /** Program that wrote the file. */
  readonly producer: FileHeader['producer'];
  readonly opset: number;
}

const prefix = 'recurrent-onnx.';

const contentsSchema = z.strictObject({
  spec: z.unknown(),
  preprocessing: preprocessingSchema,
  labels: z.array(z.string()),
  vocabulary: z.array(z.string()),
  training: trainingRecordSchema.nullable(),
});

type Contents = Omit<ModelMetadata, 'producer' | 'opset'>;

/**
 * The metadata of `model` in the order of the file; the same model gives the same entries.
 * @throws METADATA_INVALID when labels, vocabulary or preprocessing do not fit the spec
 */
export function metadataProps(model: TrainedModel): [key: string, value: string][] {
  const { spec, preprocessing, labels, vocabulary, training = null } = model;
  const contents = { spec, preprocessing, labels, vocabulary, training };
  parseContents(contents);
  return Object.entries({ format: formatVersion, ...contents }).map(([key, value]) => [
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
  return { ...parseContents(migrate(format, contents)), producer: header.producer, opset: header.opset };
}

function parseContents(contents: Readonly<Record<string, unknown>>): Contents {
  const result = contentsSchema.safeParse(contents);
  if (!result.success) {
    const [issue] = result.error.issues;
    return refuse(`${prefix}${issue?.path.join('.')}: ${issue?.message}`);
  }
  const { spec, training, ...rest } = result.data;
  const parsed: Contents = { ...rest, spec: readSpec(spec), training: training ?? undefined };
  checkTogether(parsed);
  return parsed;
}

function readSpec(json: unknown): ModelSpec {
  try {
    return parseSpec(json);
  } catch (error) {
    if (error instanceof RecurrentError) return refuse(`${prefix}spec: ${error.message}`, error);
    throw error;
  }
}

/** Checks what no schema of one part can see: that the parts belong together. */
function checkTogether({ spec, preprocessing, labels, vocabulary }: Contents): void {
  const { head, vocabularySize } = planModel(spec);
  if (labels.length !== head.classes) refuse(`there are ${labels.length} labels for ${head.classes} classes`);
  if (new Set(labels).size !== labels.length) refuse(`a label is there twice: ${labels.join(', ')}`);
  if (new Set(vocabulary).size !== vocabulary.length) refuse('a word of the vocabulary is there twice');
  const { startId, oovId, firstWordId } = preprocessing.tokenizer;
  for (const [name, id] of Object.entries({ startId, oovId, firstWordId })) {
    if (id !== null && id >= vocabularySize) refuse(`${name} is ${id}, the model has ids below ${vocabularySize}`);
  }
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
    'Export the model again with this version of recurrent-onnx.',
    cause,
  );
}
