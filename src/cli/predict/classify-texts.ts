/** Classifies any number of texts, in order, at constant memory. */
import { createHash } from 'node:crypto';
import type { Prediction } from '../../../runtime/predict/prediction.ts';
import { fail } from '../../core/errors.ts';
import type { RowFormat } from './row-format.ts';
import type { Sink } from './sink.ts';

/** Rows and characters that are held at most: the first that is reached ends a chunk. */
const chunkRows = 4096;
const chunkLength = 2 ** 22;

export interface ClassifyOptions {
  readonly texts: AsyncIterable<readonly string[]>;
  readonly predict: (texts: readonly string[], signal: AbortSignal) => Promise<readonly Prediction[]>;
  readonly format: RowFormat;
  readonly sink: Sink;
  /** Called after each chunk. */
  readonly onRows: (rows: number) => void;
  readonly signal: AbortSignal;
}

export interface Summary {
  /** Rows in all, those of an earlier run included. */
  readonly rows: number;
  /** Rows that this run classified. */
  readonly classified: number;
  /** Those of this run by label. */
  readonly counts: Readonly<Record<string, number>>;
}

/** @throws INTERRUPTED, RESUME_MISMATCH, DATA_INVALID when there is no text, and what source and sink throw */
export async function classifyTexts(options: ClassifyOptions): Promise<Summary> {
  const { texts, predict, format, sink, onRows, signal } = options;
  const { done } = sink;
  const seen = createHash('sha256');
  const counts = new Map<string, number>();
  let rows = 0;
  let classified = 0;
  for await (const chunk of inChunks(texts)) {
    if (signal.aborted) return interrupted(rows);
    for (const text of chunk) seen.update(`${text.length}:`).update(text);
    const first = rows;
    rows += chunk.length;
    if (first < done.rows) {
      if (rows >= done.rows && (rows > done.rows || digestOf(seen) !== done.digest)) refuseTexts(done.rows);
      onRows(rows);
      continue;
    }
    const predictions = await predict(chunk, signal);
    const lines = predictions.map((prediction, index) => format.row({ text: chunk[index] as string, ...prediction }));
    for (const { label } of predictions) counts.set(label, (counts.get(label) ?? 0) + 1);
    classified += chunk.length;
    const before = first === 0 ? format.head : format.between;
    await sink.write(before + lines.join(format.between), () => ({ rows, digest: digestOf(seen) }));
    onRows(rows);
  }
  if (rows < done.rows) refuseTexts(done.rows);
  if (rows === 0) fail('DATA_INVALID', 'there is no text to classify', 'Give at least one.');
  await sink.finish(format.end);
  return { rows, classified, counts: Object.fromEntries(counts) };
}

function digestOf(hash: ReturnType<typeof createHash>): string {
  return hash.copy().digest('hex');
}

/** The same chunks whatever the parts in which texts arrive. */
async function* inChunks(parts: AsyncIterable<readonly string[]>): AsyncGenerator<readonly string[]> {
  let chunk: string[] = [];
  let length = 0;
  for await (const part of parts) {
    for (const text of part) {
      chunk.push(text);
      length += text.length;
      if (chunk.length < chunkRows && length < chunkLength) continue;
      yield chunk;
      chunk = [];
      length = 0;
    }
  }
  if (chunk.length) yield chunk;
}

function interrupted(rows: number): never {
  fail('INTERRUPTED', `stopped after ${rows} texts`, 'Run it again.');
}

function refuseTexts(rows: number): never {
  const hint = 'Give the same texts as before, or start again without --resume.';
  fail('RESUME_MISMATCH', `the first ${rows} texts are not those of the run that is to be resumed`, hint);
}
