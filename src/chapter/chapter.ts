/** The chapter: facts of the data, then every run of every model. Runs that an earlier call finished are taken as they are. */
import { join } from 'node:path';
import { producer } from '../../models/metadata/producer.ts';
import { type ChapterModel, chapterModels } from '../../models/zoo/chapter-models.ts';
import { describeHost, type Host } from '../core/host.ts';
import { type Progress, silent } from '../core/progress.ts';
import type { Dataset } from '../data/dataset.ts';
import { type DataFacts, dataFacts } from './facts.ts';
import type { Outcome } from './outcome.ts';
import { type ChapterTraining, runModel } from './run-model.ts';

export interface ChapterOptions {
  readonly data: Dataset;
  /** Folder for the runs. */
  readonly out: string;
  /** Default: all eight. */
  readonly models?: readonly ChapterModel[] | undefined;
  readonly seeds: readonly number[];
  /** So many texts of the test part are compared between runtimes. */
  readonly parityTexts: number;
  readonly training?: ChapterTraining | undefined;
  /** Begins all runs anew. */
  readonly overwrite?: boolean | undefined;
  /** Called before a run, and after it with what it gave. */
  readonly onRun?:
    | ((run: PlannedRun, finished?: { readonly outcome: Outcome; readonly kept: boolean }) => void)
    | undefined;
  readonly progress?: Progress | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface PlannedRun {
  /** From 1. */
  readonly number: number;
  readonly of: number;
  readonly model: ChapterModel;
  readonly seed: number;
  readonly folder: string;
  /** Models of the runs after this one. */
  readonly left: readonly ChapterModel[];
}

/** All that the report is made of: plain numbers, ready for JSON. */
export interface ChapterResults {
  readonly version: string;
  readonly host: Host;
  /** When the report was made, in UTC. */
  readonly made: string;
  readonly seeds: readonly number[];
  readonly parityTexts: number;
  readonly facts: DataFacts;
  /** By model, in the order of the chapter, then by seed. */
  readonly runs: readonly Outcome[];
  /** Of this call, reading the data excepted. */
  readonly seconds: number;
  /** Runs that an earlier call had finished. */
  readonly keptRuns: number;
  /** Most memory that this process has held so far. */
  readonly peakMemoryBytes: number;
}

/** Seed by seed, so that an early end leaves runs of all models. @throws what `runModel` throws */
export async function runChapter(options: ChapterOptions): Promise<ChapterResults> {
  const { data, out, seeds, parityTexts, training = {}, overwrite = false, progress = silent, signal } = options;
  const began = performance.now();
  const facts = dataFacts(data);
  const models = chapterModels.filter((name) => !options.models || options.models.includes(name));
  const planned = seeds.flatMap((seed) => models.map((model) => ({ model, seed })));
  const outcomes: Outcome[] = [];
  let keptRuns = 0;
  for (const [index, { model, seed }] of planned.entries()) {
    const folder = runFolderOf(out, model, seed);
    const left = planned.slice(index + 1).map((after) => after.model);
    const run: PlannedRun = { number: index + 1, of: planned.length, model, seed, folder, left };
    options.onRun?.(run);
    const finished = await runModel({ model, seed, data, folder, training, parityTexts, overwrite, progress, signal });
    outcomes.push(finished.outcome);
    keptRuns += Number(finished.kept);
    options.onRun?.(run, finished);
  }
  return {
    version: producer.version,
    host: describeHost(),
    made: new Date().toISOString(),
    seeds,
    parityTexts,
    facts,
    runs: models.flatMap((model) => outcomes.filter((outcome) => outcome.model === model)),
    seconds: (performance.now() - began) / 1000,
    keptRuns,
    peakMemoryBytes: 1024 * process.resourceUsage().maxRSS,
  };
}

function runFolderOf(out: string, model: ChapterModel, seed: number): string {
  return join(out, 'runs', model, `seed-${seed}`);
}
