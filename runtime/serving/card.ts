/** What the page tells of a model: from its file, and from `history.csv` and `parity.json` if they lie beside it. */
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import type { ModelSpec } from '../../models/layers.ts';
import { layerSummaries } from '../../models/summary.ts';
import type { ServedModel } from './served-model.ts';

export interface ModelCard {
  readonly name: string;
  readonly version: string;
  readonly labels: readonly string[];
  readonly layers: readonly { readonly layer: string; readonly shape: string; readonly parameters: number }[];
  readonly parameters: number;
  /** What `recurrent train` takes as a `.json` file, and makes the same model of. */
  readonly spec: ModelSpec;
  readonly facts: Readonly<Record<string, string | number>>;
  /** Of training, an epoch a line; empty where it is not known. */
  readonly history: readonly Readonly<Record<string, number | null>>[];
  /** What `recurrent parity --json` found of this very file. */
  readonly parity: z.output<typeof paritySchema> | null;
}

export const paritySchema = z.object({
  passed: z.boolean(),
  /** Of the file that was compared. */
  onnxSha256: z.string(),
  examples: z.number(),
  flips: z.number(),
  maxAbsError: z.number(),
  maxLogitError: z.number(),
});

export async function readCard({ name, version, metadata, plan, path, sha256 }: ServedModel): Promise<ModelCard> {
  const layers = layerSummaries(plan, { time: metadata.preprocessing.maxLength });
  const { preprocessing, vocabulary, training, opset, producer } = metadata;
  const beside = await filesBeside(path);
  return {
    name,
    version: String(version),
    labels: metadata.labels,
    layers,
    parameters: layers.reduce((sum, { parameters }) => sum + parameters, 0),
    spec: metadata.spec,
    facts: {
      'words in the vocabulary': vocabulary.length,
      'steps of a text': preprocessing.maxLength,
      'padding and truncating': `${preprocessing.padding}, ${preprocessing.truncating}`,
      'zeros masked': plan.maskZero ? 'yes' : 'no',
      ...(training && {
        'trained on': training.source,
        engine: training.engine,
        seed: training.seed,
        'epoch of the weights': training.bestEpoch,
      }),
      opset,
      'written by': `${producer.name} ${producer.version}`,
    },
    history: parseHistory(beside.history),
    parity: parseParity(sha256, beside.parity),
  };
}

/** Only where the folder is that of this one model. */
async function filesBeside(path: string): Promise<{ readonly history?: string; readonly parity?: string }> {
  const folder = dirname(path);
  const names: readonly string[] = await readdir(folder).catch(() => []);
  if (names.filter((file) => file.endsWith('.onnx')).length !== 1) return {};
  const read = (file: string) => (names.includes(file) ? readFile(join(folder, file), 'utf8').catch(() => '') : '');
  return { history: await read('history.csv'), parity: await read('parity.json') };
}

function parseHistory(text = ''): Readonly<Record<string, number | null>>[] {
  const [head = '', ...lines] = text.trim().split('\n');
  const columns = head.split(',');
  return lines.map((line) => {
    const cells = line.split(',');
    return Object.fromEntries(columns.map((column, index) => [column, cells[index] ? Number(cells[index]) : null]));
  });
}

/** A report of another file, such as the one that stood here before, says nothing of this one. */
function parseParity(sha256: string, text = ''): z.output<typeof paritySchema> | null {
  try {
    const report = paritySchema.parse(JSON.parse(text));
    return report.onnxSha256 === sha256 ? report : null;
  } catch {
    return null; // no report, or not one of ours: the card goes without
  }
}
