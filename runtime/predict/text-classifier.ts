/** From text to prediction over whatever runs batches: what Node and the browser have in common. */
import type { ModelSpec } from '../../models/layers.ts';
import type { ModelMetadata } from '../../models/metadata/metadata.ts';
import { planModel } from '../../models/plan.ts';
import { createEncoder } from '../../models/text/encoder.ts';
import type { Preprocessing } from '../../models/text/preprocessing.ts';
import { fail, RecurrentError } from '../../src/core/errors.ts';
import { checkOptionNames } from '../../src/core/option-names.ts';
import { type BatchingOptions, createBatcher, readBatchingOptions } from '../batching/batcher.ts';
import type { Batch, BatchOutputs, BatchRunner } from '../batching/runner.ts';
import { checkIds } from './check-ids.ts';
import { checkText, checkTexts } from './check-texts.ts';
import { type ExplainOptions, type Explanation, explainText } from './explain.ts';
import { inOrder } from './in-order.ts';
import {
  type CallOptions,
  createJudge,
  type DecideOptions,
  type Decision,
  type Judge,
  type Prediction,
  type PredictOptions,
} from './prediction.ts';
import { createTextSession, type Reading, type TextSession, type TextSessionOptions } from './text-session.ts';

/** Logits and probabilities, [rows, outputs] each: one output for two classes, else one a class. */
export type RawOutputs = BatchOutputs;

/** How busy a classifier is. */
export interface Load {
  /** Rows that wait. */
  readonly waiting: number;
  /** Batches that run. */
  readonly running: number;
}

/** Texts of a stream. */
export type Texts = AsyncIterable<string> | Iterable<string>;

/** An exported model that is open: texts in, labels and probabilities out. Calls that are open at the same time run in one batch. */
export interface TextClassifier {
  /** Names of the classes by index. */
  readonly labels: readonly string[];
  /** The model, every default filled in. */
  readonly spec: ModelSpec;
  /** How a text becomes ids. */
  readonly preprocessing: Preprocessing;
  /**
   * Classifies one text, by a threshold.
   * @throws INPUT_INVALID, OPTION_INVALID, INTERRUPTED, QUEUE_FULL, DISPOSED, RUNTIME_FAILED, RUNTIME_LOST
   */
  predict(text: string, options: DecideOptions): Promise<Decision>;
  /**
   * Classifies one text.
   * @throws INPUT_INVALID, OPTION_INVALID, INTERRUPTED, QUEUE_FULL, DISPOSED, RUNTIME_FAILED, RUNTIME_LOST
   */
  predict(text: string, options?: PredictOptions): Promise<Prediction>;
  /** Predictions in the order of `texts`. @throws as `predict` */
  predictBatch(texts: readonly string[], options: DecideOptions): Promise<Decision[]>;
  /** Predictions in the order of `texts`. @throws as `predict` */
  predictBatch(texts: readonly string[], options?: PredictOptions): Promise<Prediction[]>;
  /**
   * Predictions in the order of `texts`, while they arrive. At most a few batches are read ahead of what was taken.
   * @throws as `predict`, and what the source throws, once all predictions before it were given out
   */
  predictStream(texts: Texts, options: DecideOptions): AsyncGenerator<Decision, void, undefined>;
  /**
   * Predictions in the order of `texts`, while they arrive. At most a few batches are read ahead of what was taken.
   * @throws as `predict`, and what the source throws, once all predictions before it were given out
   */
  predictStream(texts: Texts, options?: PredictOptions): AsyncGenerator<Prediction, void, undefined>;
  /** Which words moved the score, by leaving out each of them once. @throws as `predict` */
  explain(text: string, options?: ExplainOptions): Promise<Explanation>;
  /**
   * Begins a text that arrives in pieces, for a file that was exported with states.
   * @throws OPTION_UNSUPPORTED for a file without states, OPTION_UNKNOWN
   */
  openText(options?: TextSessionOptions): TextSession;
  /**
   * Runs ids that were made elsewhere. The array may be used again as soon as the call returns.
   * @param ids token ids, [rows, time]
   * @throws as `predict`
   */
  predictIds(ids: Int32Array, rows: number, time: number, options?: CallOptions): Promise<RawOutputs>;
  /** How busy it is now. */
  load(): Load;
  /** Frees the session once the predictions that are running have ended. Further calls do nothing. */
  dispose(): Promise<void>;
}

/** A classifier whose parts of one platform are still to be added. */
export interface OpenClassifier {
  readonly classifier: TextClassifier;
  /** Keeps the session open until `work` has ended. @throws DISPOSED */
  readonly whileOpen: <T>(work: () => Promise<T>) => Promise<T>;
}

/** Ids that go through the model at a time: bounds memory, and lets other work in between. */
const chunkIds = 2 ** 15;

/** Batches that a call has waiting or running at a time, so that others get their turn. */
const batchesAhead = 4;

/** Takes the runner over: it is closed with the classifier. @throws OPTION_UNKNOWN, OPTION_INVALID */
export function createTextClassifier(
  metadata: ModelMetadata,
  runner: BatchRunner,
  batching: BatchingOptions = {},
): OpenClassifier {
  const { head, vocabularySize, maskZero, states } = planModel(metadata.spec);
  const encoder = createEncoder({ ...metadata, vocabularySize });
  const batcher = createBatcher(runner, { maskZero }, batching);
  const { maxBatch, maxQueue } = readBatchingOptions(batching);
  /** What a call has waiting at a time is no more than the queue holds, or a large one could never end. */
  const room = Math.floor(maxQueue);
  const ahead = Math.min(batchesAhead * maxBatch, room);

  const calls = new Set<Promise<unknown>>();
  let disposal: Promise<void> | undefined;

  function whileOpen<T>(work: () => Promise<T>): Promise<T> {
    if (disposal) {
      const hint = 'Load the classifier again, or dispose of it later.';
      return Promise.reject(new RecurrentError('DISPOSED', 'the classifier was used after dispose()', hint));
    }
    const call = work().finally(() => calls.delete(call));
    calls.add(call);
    return call;
  }

  async function predictText(text: string, judge: Judge, signal: AbortSignal | undefined): Promise<Prediction> {
    const { ids, time, words, unknownWords } = encoder.encodeAll([text]);
    const { probabilities } = await batcher.submit({ ids, rows: 1, time }, { signal });
    // With a threshold it is a Decision, as the overloads of those who call this say.
    return judge(probabilities, { words, knownWords: words - unknownWords }) as Prediction;
  }

  async function runIds(ids: Int32Array, rows: number, time: number, signal?: AbortSignal): Promise<RawOutputs> {
    const step = Math.max(1, Math.min(Math.floor(chunkIds / time), room));
    if (rows <= step) return batcher.submit({ ids, rows, time }, { signal });
    const own = ids.slice(); // the caller may reuse its array at once
    const starts = Array.from({ length: Math.ceil(rows / step) }, (_, index) => index * step);
    const logits = new Float32Array(rows * head.outputs);
    const probabilities = new Float32Array(rows * head.outputs);
    const submit = async (from: number, stopped: AbortSignal) => {
      const count = Math.min(step, rows - from);
      const part = own.subarray(from * time, (from + count) * time);
      const outputs = await batcher.submit({ ids: part, rows: count, time }, { signal: stopped });
      logits.set(outputs.logits, from * head.outputs);
      probabilities.set(outputs.probabilities, from * head.outputs);
    };
    const parts = Math.max(1, Math.min(batchesAhead, Math.floor(room / step)));
    for await (const _ of inOrder(starts, parts, submit, signal));
    return { logits, probabilities };
  }

  const classifier: TextClassifier = {
    labels: metadata.labels,
    spec: metadata.spec,
    preprocessing: metadata.preprocessing,
    predict: (text: string, options: PredictOptions = {}) =>
      whileOpen(async () => {
        checkText(text, 'the text');
        return predictText(text, createJudge(metadata.labels, options), options.signal);
      }),
    predictBatch: (texts: readonly string[], options: PredictOptions = {}) =>
      whileOpen(async () => {
        checkTexts(texts);
        const judge = createJudge(metadata.labels, options);
        const [only] = texts;
        if (only !== undefined && texts.length === 1) return [await predictText(only, judge, options.signal)];
        const predictions: Prediction[] = [];
        const predictOne = (text: string, stopped: AbortSignal) => predictText(text, judge, stopped);
        for await (const each of inOrder([...texts], ahead, predictOne, options.signal)) predictions.push(each);
        return predictions;
      }),
    predictStream(texts: Texts, options: PredictOptions = {}) {
      const judge = createJudge(metadata.labels, options);
      let count = 0;
      const predictNext = (text: string, stopped: AbortSignal) =>
        whileOpen(async () => {
          checkText(text, `text ${count++}`);
          return predictText(text, judge, stopped);
        });
      return inOrder(texts, ahead, predictNext, options.signal);
    },
    explain: (text, options = {}) =>
      whileOpen(async () => {
        checkText(text, 'the text');
        checkOptionNames('explain', options, ['signal', 'label']);
        const run = async (ids: Int32Array, rows: number, time: number) =>
          (await runIds(ids, rows, time, options.signal)).probabilities;
        const { labels, preprocessing } = metadata;
        return explainText({ labels, preprocessing, encoder, run }, text, options.label);
      }),
    openText(options) {
      if (!runner.carriesStates) {
        fail('OPTION_UNSUPPORTED', 'the file carries no states', 'Export it with `recurrent export --states`.');
      }
      const { preprocessing } = metadata;
      const units = states.map((state) => state.units);
      const run = (batch: Batch, signal: AbortSignal | undefined) => whileOpen(() => batcher.submit(batch, { signal }));
      const judge = createJudge(metadata.labels) as Reading['judge'];
      return createTextSession({ preprocessing, maskZero, units, encoder, run, judge }, options);
    },
    predictIds: (ids, rows, time, options = {}) =>
      whileOpen(async () => {
        checkOptionNames('predictIds', options, ['signal']);
        checkIds(ids, rows, time, vocabularySize);
        return runIds(ids, rows, time, options.signal);
      }),
    load: () => ({ waiting: batcher.waiting, running: batcher.running }),
    dispose: () => {
      disposal ??= Promise.allSettled(calls)
        .then(() => batcher.drain())
        .then(() => runner.close());
      return disposal;
    },
  };
  return { classifier, whileOpen };
}
