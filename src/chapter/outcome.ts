/** What one run of a model gave: everything that the report says of it, kept as `outcome.json` in the folder of the run. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import { epochRecordSchema } from '../../models/checkpoint/state.ts';
import { producer } from '../../models/metadata/producer.ts';
import { type ChapterModel, chapterModels } from '../../models/zoo/chapter-models.ts';
import { RecurrentError } from '../core/errors.ts';
import { readFileWhole, writeFileAtomically } from '../core/files.ts';
import { runFiles } from '../training/run-folder.ts';

const count = z.int().min(0);

const judged = z.strictObject({
  loss: z.number(),
  accuracy: z.number(),
  /** What computed. */
  runner: z.string(),
});

const runnerFound = z.strictObject({
  name: z.string(),
  description: z.string(),
  texts: count,
  /** Largest |Δ| against float64, of a probability and of a logit. */
  maxAbsError: z.number(),
  maxLogitError: z.number(),
  flips: count,
  ties: count,
  seconds: z.number(),
});

export const outcomeSchema = z.strictObject({
  model: z.string(),
  seed: count,
  /** Layers with output shapes, as Keras prints them. */
  layers: z.array(z.strictObject({ layer: z.string(), shape: z.string(), parameters: count })),
  parameters: count,
  engine: z.strictObject({ name: z.string(), threads: z.int().min(1) }),
  optimiser: z.string(),
  learningRate: z.number(),
  patience: count,
  batchSize: count,
  stepsPerEpoch: count,
  history: z.array(epochRecordSchema),
  bestEpoch: count,
  stoppedEarly: z.boolean(),
  /** Of each epoch, its validation and checkpoint among it; null for those of a call that did not come to the end. */
  epochSeconds: z.array(z.number().nullable()),
  /** At the best epoch. */
  validation: judged.omit({ runner: true }),
  /** Of the checkpoint as it was loaded from its file. */
  test: judged.extend({
    texts: count,
    labels: z.array(z.string()),
    confusion: z.array(z.array(count)),
    /** Receiver operating characteristic of the second class: area, and points that draw it. */
    area: z.number(),
    roc: z.array(z.strictObject({ falsePositives: z.number(), truePositives: z.number() })),
  }),
  /** Of the exported file. */
  onnx: judged.extend({ bytes: count }),
  parity: z.strictObject({
    passed: z.boolean(),
    texts: count,
    flips: count,
    ties: count,
    sensitive: count,
    maxAbsError: z.number(),
    maxLogitError: z.number(),
    smallestMargin: z.number(),
    runners: z.array(runnerFound),
    skipped: z.array(z.strictObject({ name: z.string(), reason: z.string() })),
  }),
  seconds: z.strictObject({ evaluation: z.number(), onnx: z.number(), parity: z.number() }),
});

export type Outcome = Readonly<z.output<typeof outcomeSchema>>;

/** A model with its runs. */
export interface ModelRuns {
  readonly model: ChapterModel;
  readonly runs: readonly Outcome[];
}

/** In the order of the chapter; models without a run are left out. */
export function byModel(runs: readonly Outcome[]): ModelRuns[] {
  return chapterModels
    .map((model) => ({ model, runs: runs.filter((run) => run.model === model) }))
    .filter((group) => group.runs.length > 0);
}

/** What an outcome depends on besides the folder that it lies in. */
export interface OutcomeKey {
  /** SHA-256 of the data. */
  readonly fingerprint: string;
  readonly parityTexts: number;
}

const fileSchema = z.strictObject({
  version: z.literal(producer.version),
  fingerprint: z.string(),
  parityTexts: count,
  /** See `digestOfModels`. */
  models: z.string(),
  outcome: outcomeSchema,
});

export function outcomeFile(folder: string): string {
  return join(folder, 'outcome.json');
}

export async function saveOutcome(folder: string, key: OutcomeKey, outcome: Outcome): Promise<void> {
  const contents = { version: producer.version, ...key, models: await digestOfModels(folder), outcome };
  await writeFileAtomically(outcomeFile(folder), `${JSON.stringify(contents)}\n`);
}

/**
 * The outcome that `folder` holds; undefined where there is none, or one of other data, another version or another
 * sample, or where the models are not those that were judged.
 */
export async function keptOutcome(folder: string, key: OutcomeKey): Promise<Outcome | undefined> {
  const bytes = await readIfThere(outcomeFile(folder));
  const read = fileSchema.safeParse(bytes && parsed(Buffer.from(bytes).toString('utf8')));
  if (!read.success) return undefined;
  const { fingerprint, parityTexts, models, outcome } = read.data;
  const same = fingerprint === key.fingerprint && parityTexts === key.parityTexts;
  return same && models === (await digestOfModels(folder)) ? outcome : undefined;
}

/** SHA-256 of the best checkpoint and the exported file, one after the other; undefined where one is missing. */
async function digestOfModels(folder: string): Promise<string | undefined> {
  const { best, onnx } = runFiles(folder);
  const [checkpoint, exported] = [await readIfThere(best), await readIfThere(onnx)];
  return checkpoint && exported && createHash('sha256').update(checkpoint).update(exported).digest('hex');
}

function readIfThere(path: string): Promise<Uint8Array | undefined> {
  return readFileWhole(path).catch((error) => {
    if (error instanceof RecurrentError && error.code === 'FILE_NOT_FOUND') return undefined;
    throw error;
  });
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
