/** The raw numbers as tables that any program reads: RFC 4180, a line feed after each row, nothing in an empty cell. */
import { deviation, mean } from 'd3-array';
import { csvCell } from '../core/csv-cell.ts';
import { type AuthorsFigures, authors } from './authors.ts';
import type { ChapterResults } from './chapter.ts';
import { authorsSeconds, medianSeconds, trainingSeconds } from './figures.ts';
import { byModel } from './outcome.ts';

type Cell = string | number | boolean | null | undefined;
type Row = Readonly<Record<string, Cell>>;

/** By name of the file. */
export function csvFiles(results: ChapterResults): Readonly<Record<string, string>> {
  return {
    'runs.csv': toCsv(runRows(results)),
    'epochs.csv': toCsv(epochRows(results)),
    'models.csv': toCsv(modelRows(results)),
    'parity.csv': toCsv(parityRows(results)),
    'lengths.csv': toCsv(results.facts.lengthCounts.map(([length, texts]) => ({ length, texts }))),
  };
}

/** @param rows all with the columns of the first */
export function toCsv(rows: readonly Row[]): string {
  const columns = Object.keys(rows[0] ?? {});
  const lines = rows.map((row) => columns.map((column) => written(row[column])).join(','));
  return `${[columns.map(written).join(','), ...lines].join('\n')}\n`;
}

function written(cell: Cell): string {
  return csvCell(cell === null || cell === undefined ? '' : String(cell));
}

function runRows({ runs }: ChapterResults): Row[] {
  return runs.map((run) => ({
    model: run.model,
    seed: run.seed,
    parameters: run.parameters,
    engine: run.engine.name,
    threads: run.engine.threads,
    optimiser: run.optimiser,
    learningRate: run.learningRate,
    patience: run.patience,
    epochs: run.history.length,
    bestEpoch: run.bestEpoch,
    stoppedEarly: run.stoppedEarly,
    validationLoss: run.validation.loss,
    validationAccuracy: run.validation.accuracy,
    testLoss: run.test.loss,
    testAccuracy: run.test.accuracy,
    testArea: run.test.area,
    onnxTestLoss: run.onnx.loss,
    onnxTestAccuracy: run.onnx.accuracy,
    onnxBytes: run.onnx.bytes,
    labelFlips: run.parity.flips,
    ties: run.parity.ties,
    largestError: run.parity.maxAbsError,
    smallestMargin: run.parity.smallestMargin,
    stepsPerEpoch: run.stepsPerEpoch,
    medianEpochSeconds: medianSeconds(run),
    trainingSeconds: trainingSeconds(run),
    evaluationSeconds: run.seconds.evaluation,
    onnxSeconds: run.seconds.onnx,
    paritySeconds: run.seconds.parity,
  }));
}

function epochRows({ runs }: ChapterResults): Row[] {
  return runs.flatMap(({ model, seed, history, epochSeconds }) =>
    history.map((record, index) => ({ model, seed, ...record, seconds: epochSeconds[index] })),
  );
}

function modelRows({ runs }: ChapterResults): Row[] {
  return byModel(runs).map(({ model, runs: own }) => {
    const theirs: AuthorsFigures = authors[model];
    const spread = (name: string, values: readonly number[]) => ({
      [`${name}Mean`]: mean(values),
      [`${name}Deviation`]: deviation(values),
    });
    return {
      model,
      runs: own.length,
      parameters: own[0]?.parameters,
      ...spread(
        'epochs',
        own.map(({ history }) => history.length),
      ),
      authorsEpochs: theirs.epochs,
      ...spread(
        'validationLoss',
        own.map(({ validation }) => validation.loss),
      ),
      authorsValidationLoss: theirs.validationLoss,
      ...spread(
        'validationAccuracy',
        own.map(({ validation }) => validation.accuracy),
      ),
      authorsValidationAccuracy: theirs.validationAccuracy,
      ...spread(
        'testLoss',
        own.map(({ test }) => test.loss),
      ),
      authorsTestLoss: theirs.testLoss,
      ...spread(
        'testAccuracy',
        own.map(({ test }) => test.accuracy),
      ),
      authorsTestAccuracy: theirs.testAccuracy,
      authorsFastestStepMs: theirs.millisecondsPerStep?.[0],
      authorsSlowestStepMs: theirs.millisecondsPerStep?.[1],
      authorsTrainingSeconds: authorsSeconds(theirs, own[0]?.stepsPerEpoch ?? 0),
    };
  });
}

function parityRows({ runs }: ChapterResults): Row[] {
  return runs.flatMap(({ model, seed, parity }) =>
    parity.runners.map(({ name, description, texts, maxAbsError, maxLogitError, flips, ties, seconds }) => ({
      ...{ model, seed, runner: name, description, texts, maxAbsError, maxLogitError, flips, ties, seconds },
    })),
  );
}
