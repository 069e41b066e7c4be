/** One version of a model, open and warm. */
import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { type ModelMetadata, readMetadata } from '../../models/metadata/metadata.ts';
import { type ModelPlan, planModel } from '../../models/plan.ts';
import { createEncoder, type Encoder } from '../../models/text/encoder.ts';
import { fileError, readFileWhole } from '../../src/core/files.ts';
import type { BatchingOptions, BatchRecord } from '../batching/batcher.ts';
import { type Classifier, type ClassifierOptions, loadClassifier } from '../predict/classifier.ts';
import type { RawOutputs } from '../predict/text-classifier.ts';
import { createSequences, type SequenceLimits, type Sequences } from './sequences.ts';

export interface Outputs extends RawOutputs {
  readonly rows: number;
}

export interface ServedModel {
  readonly name: string;
  readonly version: number;
  readonly path: string;
  /** Of the file. */
  readonly sha256: string;
  readonly metadata: ModelMetadata;
  readonly plan: ModelPlan;
  readonly classifier: Classifier;
  /** Texts that arrive in pieces. */
  readonly sequences: Sequences;
  /** Steps that a row may have. */
  readonly maxTime: number;
  /** @throws INTERRUPTED, RUNTIME_FAILED */
  runTexts(texts: readonly string[], signal: AbortSignal): Promise<Outputs>;
  /** @throws INPUT_INVALID, INTERRUPTED, RUNTIME_FAILED */
  runIds(ids: Int32Array, rows: number, time: number, signal: AbortSignal): Promise<Outputs>;
  dispose(): Promise<void>;
}

export interface ModelFile {
  readonly name: string;
  readonly version: number;
  readonly path: string;
}

/** Opens a file, and runs it once as one row and once as a whole batch, so that the first client does not wait for that. */
export async function openServedModel(
  { name, version, path }: ModelFile,
  { batching, ...options }: ClassifierOptions,
  limits: SequenceLimits,
): Promise<ServedModel> {
  const bytes = await readFileWhole(path);
  const metadata = readMetadata(bytes);
  const plan = planModel(metadata.spec);
  const encoder = createEncoder({ ...metadata, vocabularySize: plan.vocabularySize });
  let warm = false;
  const onBatch = (record: BatchRecord) => {
    if (warm) batching?.onBatch?.(record);
  };
  const classifier = await loadClassifier(bytes, { ...options, batching: { ...batching, onBatch } });
  const time = metadata.preprocessing.maxLength;
  try {
    await warmUp(classifier, time, batching);
  } catch (error) {
    await classifier.dispose();
    throw error;
  }
  warm = true;
  const sequences = createSequences(() => classifier.openText(), limits);
  return {
    name,
    version,
    path,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    metadata,
    plan,
    classifier,
    sequences,
    maxTime: time,
    runTexts: (texts, signal) => runTexts(classifier, encoder, texts, plan.head.outputs, signal),
    runIds: async (ids, rows, steps, signal) => ({
      rows,
      ...(await classifier.predictIds(ids, rows, steps, { signal })),
    }),
    dispose() {
      sequences.close();
      return classifier.dispose();
    },
  };
}

/** One row and a whole batch, in this order: together they fill it, so they do not wait for others. */
async function warmUp(
  { predictIds }: Classifier,
  time: number,
  { maxBatch = 64, maxQueue = maxBatch + 1 }: BatchingOptions = {},
): Promise<void> {
  const sizes = [1, Math.min(maxBatch, maxQueue - 1)].filter((rows) => rows > 0);
  await Promise.all(sizes.map((rows) => predictIds(new Int32Array(rows * time).fill(1), rows, time)));
}

/** Each text is a request of its own to the batcher: rows of a length run together, whoever sent them. */
async function runTexts(
  classifier: Classifier,
  encoder: Encoder,
  texts: readonly string[],
  outputs: number,
  signal: AbortSignal,
): Promise<Outputs> {
  const rows = texts.length;
  const logits = new Float32Array(rows * outputs);
  const probabilities = new Float32Array(rows * outputs);
  await Promise.all(
    texts.map(async (text, row) => {
      const { ids, time } = encoder.encodeAll([text]);
      const own = await classifier.predictIds(ids, 1, time, { signal });
      logits.set(own.logits, row * outputs);
      probabilities.set(own.probabilities, row * outputs);
    }),
  );
  return { rows, logits, probabilities };
}

/** Changes whenever the file is written again. @throws FILE_NOT_FOUND, FILE_ACCESS */
export async function signatureOf(path: string): Promise<string> {
  const { mtimeMs, size, ino } = await stat(path).catch((error) => {
    throw fileError(error, path, 'read');
  });
  return `${mtimeMs} ${size} ${ino}`;
}
