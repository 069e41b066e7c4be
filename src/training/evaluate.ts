/** How good a trained model is over labelled texts, whatever computes it. */
import type { ModelDescription, TrainedModel } from '../../models/model.ts';
import { planModel } from '../../models/plan.ts';
import { createEncoder } from '../../models/text/encoder.ts';
import { fail } from '../core/errors.ts';
import { checkOptionNames } from '../core/option-names.ts';
import { type Progress, silent } from '../core/progress.ts';
import type { Example, Recipe } from '../data/dataset.ts';
import { type BatchOptions, batches } from './batches.ts';
import { createBreather } from './breather.ts';
import { type EncodedExamples, type EncodedSet, encodeExamples } from './encoded-set.ts';
import type { EngineName } from './engine.ts';
import { selectEngine } from './engines/select.ts';
import { withoutPadding } from './evaluate-set.ts';
import { judge } from './loss.ts';
import { type ClassMetrics, classMetrics, createScore, type Metrics, overallMetrics } from './metrics.ts';
import { sgd } from './optimisers.ts';

/** Labelled texts, such as a dataset or a part of one. */
export interface LabelledTexts {
  /** Names of the classes by index. */
  readonly labels: readonly string[];
  /** The texts. */
  readonly examples: readonly Example[];
  /** Of the data set that the examples are of. */
  readonly recipe?: Recipe | undefined;
}

/** Its figures are scikit-learn's, its loss is the mean cross-entropy in nats. */
export interface EvaluationReport extends Metrics {
  /** Texts that were classified. */
  readonly examples: number;
  /** Names of the classes by index. */
  readonly labels: readonly string[];
  /** Each class against all others, in the order of the labels. */
  readonly classes: readonly ClassMetrics[];
  /** confusion[i][j]: examples of class i that were taken for class j. */
  readonly confusion: readonly (readonly number[])[];
  /** Of each class, in the order of the examples. */
  readonly probabilities: Float32Array; // [examples, classes]
  /** The class of each example, by index. */
  readonly targets: Int32Array; // [examples]
}

/** How a model is evaluated. */
export interface EvaluateOptions {
  /** Rows at a time. Default: 64. */
  readonly batchSize?: number | undefined;
  /** Told how far it is. */
  readonly progress?: Progress | undefined;
  /** Ends it with INTERRUPTED. */
  readonly signal?: AbortSignal | undefined;
}

/** What computes. */
export interface EvaluationEngine {
  /** Default: `auto`. */
  readonly engine?: EngineName | 'auto' | undefined;
  /** Default: what suits the engine, up to the cores there are. */
  readonly threads?: number | undefined;
}

const defaultBatchSize = 64;

/** Logits [rows, outputs] of token ids [rows, time]. */
export type Forward = (
  ids: Int32Array,
  rows: number,
  time: number,
) => Promise<{ readonly logits: Float32Array | Float64Array }>;

/**
 * Evaluates a model with a training engine.
 * @throws DATA_LABELS, OPTION_UNKNOWN, OPTION_INVALID, OPTION_UNSUPPORTED, INTERRUPTED
 */
export async function evaluate(
  model: TrainedModel,
  data: LabelledTexts,
  options: EvaluateOptions & EvaluationEngine = {},
): Promise<EvaluationReport> {
  checkOptionNames('evaluate', options, ['engine', 'threads', ...optionNames]);
  const { engine: name = 'auto', threads } = options;
  const { spec, weights, preprocessing } = model;
  const set = encodeFor(model, data);
  const rows = batchSizeOf(options);
  const { provider, load } = await selectEngine(name, {
    load: { spec, optimiser: sgd, rows, time: set.time },
    threads,
  });
  const engine = await provider.prepare({ spec, weights, optimiser: sgd, threads: load.threads });
  try {
    const forward: Forward = (ids, rows, time) => engine.evaluate({ ids, rows, time, targets: new Int32Array(rows) });
    const taken = planModel(spec).maskZero ? withoutPadding(set, preprocessing.padding) : {};
    return await judgeSet(forward, model, set, taken, options);
  } finally {
    await engine.dispose();
  }
}

/**
 * Evaluates whatever computes the logits of `model`, e.g. an ONNX file's session.
 * @throws DATA_LABELS, OPTION_UNKNOWN, OPTION_INVALID, INTERRUPTED
 */
export async function evaluateWith(
  forward: Forward,
  model: ModelDescription,
  data: LabelledTexts,
  options: EvaluateOptions = {},
): Promise<EvaluationReport> {
  checkOptionNames('evaluateWith', options, optionNames);
  return judgeSet(forward, model, encodeFor(model, data), {}, options);
}

const optionNames: readonly (keyof EvaluateOptions)[] = ['batchSize', 'progress', 'signal'];

function batchSizeOf({ batchSize = defaultBatchSize }: EvaluateOptions): number {
  if (Number.isSafeInteger(batchSize) && batchSize > 0) return batchSize;
  return fail('OPTION_INVALID', `batchSize is ${batchSize}`, 'Give a whole number of rows, 1 or more.');
}

async function judgeSet(
  forward: Forward,
  model: ModelDescription,
  set: EncodedSet,
  taken: BatchOptions,
  options: EvaluateOptions,
): Promise<EvaluationReport> {
  const { progress = silent, signal } = options;
  const { head } = planModel(model.spec);
  const breathe = createBreather();
  const score = createScore(set.rows, taken.order);
  let done = 0;
  progress.start('Evaluating', set.rows);
  try {
    for (const { ids, rows, time, targets } of batches(set, batchSizeOf(options), taken)) {
      const logits = Float32Array.from((await forward(ids, rows, time)).logits);
      score.add(judge(head, logits, targets), targets);
      done += rows;
      progress.update(done);
      await breathe();
      if (signal?.aborted)
        fail('INTERRUPTED', `evaluation was stopped after ${done} of ${set.rows} examples`, 'Run it again.');
    }
  } finally {
    progress.stop();
  }
  const { accuracy, loss } = score.soFar();
  const judged = score.judged();
  const classes = classMetrics(judged);
  return {
    accuracy,
    loss,
    ...overallMetrics(classes),
    examples: set.rows,
    labels: model.labels,
    classes,
    ...judged,
  };
}

/** Ids and targets of labelled texts as `model` sees them; labels are matched by name. @throws DATA_LABELS */
export function encodeFor(model: ModelDescription, { labels, examples, recipe }: LabelledTexts): EncodedExamples {
  if (examples.length === 0)
    fail('DATA_INVALID', 'there are no examples to evaluate', 'Choose another part of the data.');
  const classes = labels.map((label) => model.labels.indexOf(label));
  const unknown = labels.filter((_, index) => classes[index] === -1);
  if (unknown.length) {
    fail(
      'DATA_LABELS',
      `the data have the label ${unknown.map((label) => `"${label}"`).join(', ')}, which the model does not know`,
      `Its labels are ${model.labels.map((label) => `"${label}"`).join(', ')}.`,
    );
  }
  const { vocabularySize } = planModel(model.spec);
  const encoder = createEncoder({ preprocessing: model.preprocessing, vocabulary: model.vocabulary, vocabularySize });
  const set = encodeExamples(encoder, examples, recipe);
  return { ...set, targets: set.targets.map((label) => classes[label] as number) };
}
