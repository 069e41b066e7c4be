/** One model, one seed: train, judge the loaded checkpoint, export, judge the file, prove the numbers equal. */
import { exportOnnx } from '../../exporters/export.ts';
import { loadCheckpoint } from '../../models/checkpoint/checkpoint.ts';
import type { TrainedModel } from '../../models/model.ts';
import { countParameters } from '../../models/plan.ts';
import { layerSummaries } from '../../models/summary.ts';
import type { ChapterModel } from '../../models/zoo/chapter-models.ts';
import { zooModel } from '../../models/zoo/zoo.ts';
import { fail } from '../core/errors.ts';
import { readFileWhole, writeFileAtomically } from '../core/files.ts';
import { type Progress, within } from '../core/progress.ts';
import { type Dataset, datasetFingerprint } from '../data/dataset.ts';
import { partOf } from '../data/part.ts';
import { evaluateOnnx } from '../parity/evaluate-onnx.ts';
import { runParity } from '../parity/matrix.ts';
import type { ParityReport } from '../parity/report.ts';
import type { Runner } from '../parity/runner.ts';
import { runners } from '../parity/runners.ts';
import { lossChart } from '../report/history-charts.ts';
import { type RocPoint, rocCurve } from '../report/roc.ts';
import type { EngineName } from '../training/engine.ts';
import {
  type EvaluateOptions,
  type EvaluationReport,
  encodeFor,
  evaluate,
  type LabelledTexts,
} from '../training/evaluate.ts';
import type { RunOptionsInput } from '../training/options.ts';
import { checkRunFolder, type RunFiles } from '../training/run-folder.ts';
import { type TrainingResult, train } from '../training/train.ts';
import { recipeOf } from './facts.ts';
import { keptOutcome, type Outcome, saveOutcome } from './outcome.ts';

/** Options of training that the chapter can be told; the others are those of its models. */
export type ChapterTraining = Pick<RunOptionsInput, 'engine' | 'threads' | 'epochs'>;

export interface RunRequest {
  readonly model: ChapterModel;
  readonly seed: number;
  readonly data: Dataset;
  /** Of the run. */
  readonly folder: string;
  readonly training: ChapterTraining;
  /** So many texts of the test part are compared. */
  readonly parityTexts: number;
  readonly overwrite: boolean;
  readonly progress: Progress;
  readonly signal: AbortSignal | undefined;
}

export interface FinishedRun {
  readonly outcome: Outcome;
  /** An earlier call had finished it. */
  readonly kept: boolean;
}

/**
 * Goes on with the run in the folder where there is one; a finished one is taken as it is.
 * @throws INTERRUPTED with the run whole up to its last epoch; RESUME_MISMATCH, RUN_LOCKED and what training throws
 */
export async function runModel(request: RunRequest): Promise<FinishedRun> {
  const { model: name, seed, data, folder, training, parityTexts, overwrite, signal } = request;
  const key = { fingerprint: datasetFingerprint(data), parityTexts };
  const kept = overwrite ? undefined : await keptOutcome(folder, key);
  if (kept && isThatOf(training, kept)) return { outcome: kept, kept: true };

  const progress = within(request.progress, `${name}, seed ${seed}`);
  const { build, defaults } = zooModel(name);
  const epochSeconds = new Map<number, number>();
  const result = await train({
    ...training,
    spec: build,
    defaults,
    seed,
    data,
    out: folder,
    resume: !overwrite && (await holdsRun(folder)),
    overwrite,
    onEpoch: ({ epoch }, { seconds }) => epochSeconds.set(epoch, seconds),
    progress,
    signal,
  });
  const files = filesOf(result);
  if (result.interrupted) {
    fail('INTERRUPTED', `${name} with seed ${seed} was stopped in epoch ${result.history.length + 1}`, 'Run it again.');
  }
  const { history, bestEpoch } = result;
  await writeFileAtomically(files.lossChart, lossChart(history, { note: `${name}, seed ${seed}`, bestEpoch }));

  const { model } = await loadCheckpoint(files.best);
  const test = partOf(data, recipeOf(data).parts.test);
  const options = { progress, signal };
  const [judged, evaluation] = await timed(() => evaluate(model, test, { ...options, engine: result.engine.name }));
  const [file, onnx] = await timed(() => exportAndJudge(model, files.onnx, test, options));
  const [report, parity] = await timed(() => {
    const { ids, rows, time } = encodeFor(model, { ...test, examples: test.examples.slice(0, parityTexts) });
    return runParity({
      subject: { model, onnx: file.bytes },
      ids,
      rows,
      time,
      runners: runnersFor(result.engine.name),
      ...options,
    });
  });
  const outcome: Outcome = {
    ...describeTraining(name, seed, result, epochSeconds),
    test: describeTest(judged, result.engine.name),
    onnx: { ...file.judged, bytes: file.bytes.length },
    parity: describeParity(report),
    seconds: { evaluation, onnx, parity },
  };
  await saveOutcome(folder, key, outcome);
  return { outcome, kept: false };
}

/** TensorFlow.js, which alone takes 200 MB, only where it has trained the model: `recurrent parity` holds any run against it. */
function runnersFor(engine: EngineName): Runner[] {
  const { tensorflow, ...others } = runners;
  return [...Object.values(others), ...(engine === 'tensorflow' ? [tensorflow] : [])];
}

/** Whether asking for `training` would have given `outcome`. */
function isThatOf({ engine = 'auto', threads, epochs }: ChapterTraining, { model, ...outcome }: Outcome): boolean {
  const most = epochs ?? zooModel(model).defaults.epochs ?? 0;
  return (
    (outcome.stoppedEarly || outcome.history.length === most) &&
    outcome.history.length <= most &&
    (engine === 'auto' || engine === 'fastest' || engine === outcome.engine.name) &&
    (threads === undefined || threads === outcome.engine.threads)
  );
}

async function holdsRun(folder: string): Promise<boolean> {
  return checkRunFolder(folder, 'resume').then(
    () => true,
    () => false,
  );
}

function filesOf({ files }: TrainingResult): RunFiles {
  return files ?? fail('INTERNAL', 'a run with a folder has no files', 'Please report this.');
}

async function timed<T>(work: () => Promise<T>): Promise<[T, number]> {
  const began = performance.now();
  const result = await work();
  return [result, (performance.now() - began) / 1000];
}

/** What is judged is the file as it lies on the disk. */
async function exportAndJudge(model: TrainedModel, path: string, test: LabelledTexts, options: EvaluateOptions) {
  await writeFileAtomically(path, exportOnnx(model));
  const bytes = await readFileWhole(path);
  const { loss, accuracy, runner } = await evaluateOnnx(bytes, test, options);
  return { bytes, judged: { loss, accuracy, runner } };
}

function describeTraining(
  name: ChapterModel,
  seed: number,
  result: TrainingResult,
  seconds: ReadonlyMap<number, number>,
) {
  const { plan, options, engine, history, bestEpoch, stoppedEarly, split } = result;
  const best = history.find(({ epoch }) => epoch === bestEpoch);
  return {
    model: name,
    seed,
    layers: layerSummaries(plan, { time: options.maxLength }),
    parameters: countParameters(plan),
    engine: { name: engine.name, threads: engine.threads },
    optimiser: options.optimiser.type,
    learningRate: options.learningRate,
    patience: options.patience,
    batchSize: options.batchSize,
    stepsPerEpoch: Math.ceil(split.train.length / options.batchSize),
    history: [...history],
    bestEpoch,
    stoppedEarly,
    epochSeconds: history.map(({ epoch }) => seconds.get(epoch) ?? null),
    validation: {
      loss: best?.validationLoss ?? Number.NaN,
      accuracy: best?.validationAccuracy ?? Number.NaN,
    },
  };
}

function describeTest(
  { accuracy, loss, examples, labels, confusion, probabilities, targets }: EvaluationReport,
  runner: string,
) {
  const classes = labels.length;
  const { points, area } = rocCurve(
    Array.from(targets, (_, row) => probabilities[row * classes + 1] ?? Number.NaN),
    Array.from(targets, (target) => target === 1),
  );
  return {
    ...{ accuracy, loss, runner: `engine ${runner}`, texts: examples, labels: [...labels], area, roc: thinned(points) },
    confusion: confusion.map((row) => [...row]),
  };
}

/** As many points as a drawing of some hundred pixels can show. */
function thinned(points: readonly RocPoint[]): RocPoint[] {
  const most = 200;
  const far = (a: RocPoint, b: RocPoint) =>
    Math.abs(a.falsePositives - b.falsePositives) + Math.abs(a.truePositives - b.truePositives) >= 2 / most;
  const kept: RocPoint[] = [];
  for (const [index, point] of points.entries()) {
    const last = kept.at(-1);
    if (!last || far(last, point) || index === points.length - 1) kept.push(point);
  }
  return kept;
}

function describeParity(report: ParityReport): Outcome['parity'] {
  const { passed, examples, flips, ties, sensitive, maxAbsError, maxLogitError, smallestMargin, runners } = report;
  return {
    ...{
      passed,
      texts: examples,
      flips,
      ties,
      sensitive: sensitive.length,
      maxAbsError,
      maxLogitError,
      smallestMargin,
    },
    runners: runners.flatMap((runner) => {
      if ('skipped' in runner) return [];
      const { examples: _, ...found } = runner;
      return [{ ...found, texts: runner.examples }];
    }),
    skipped: runners.flatMap((runner) => ('skipped' in runner ? [{ name: runner.name, reason: runner.skipped }] : [])),
  };
}
