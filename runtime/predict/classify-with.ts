/** From text to prediction over any guarded session: what Node and the browser have in common. */
import type { ModelSpec } from '../../models/layers.ts';
import type { ModelMetadata } from '../../models/metadata/metadata.ts';
import { planModel } from '../../models/plan.ts';
import { createEncoder } from '../../models/text/encoder.ts';
import type { Preprocessing } from '../../models/text/preprocessing.ts';
import { fail, RecurrentError } from '../../src/core/errors.ts';
import type { GuardedSession, SessionTensor } from '../onnx/guard.ts';
import { checkIds } from './check-ids.ts';
import { type Prediction, predictionOf } from './prediction.ts';

export interface RawOutputs {
  /** [rows, outputs] */
  readonly logits: Float32Array;
  /** [rows, outputs]: sigmoid or softmax of the logits. */
  readonly probabilities: Float32Array;
}

export interface TextClassifier {
  /** Names of the classes by index. */
  readonly labels: readonly string[];
  readonly spec: ModelSpec;
  readonly preprocessing: Preprocessing;
  /** @throws INPUT_INVALID, DISPOSED, RUNTIME_FAILED */
  predict(text: string): Promise<Prediction>;
  /** Predictions in the order of `texts`. @throws INPUT_INVALID, DISPOSED, RUNTIME_FAILED */
  predictBatch(texts: readonly string[]): Promise<Prediction[]>;
  /**
   * @param ids token ids, [rows, time]
   * @throws INPUT_INVALID, DISPOSED, RUNTIME_FAILED
   */
  predictIds(ids: Int32Array, rows: number, time: number): Promise<RawOutputs>;
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

/** Takes the session over: it is released with the classifier, or at once where it does not fit. @throws ONNX_INVALID */
export async function classifyWith(metadata: ModelMetadata, session: GuardedSession): Promise<OpenClassifier> {
  const { head, vocabularySize } = planModel(metadata.spec);
  const encoder = createEncoder({ ...metadata, vocabularySize });
  try {
    checkPorts(session, head.outputs);
  } catch (error) {
    await session.release();
    throw error;
  }

  const running = new Set<Promise<unknown>>();
  let disposal: Promise<void> | undefined;

  function whileOpen<T>(work: () => Promise<T>): Promise<T> {
    if (disposal) {
      const hint = 'Load the classifier again, or dispose of it later.';
      return Promise.reject(new RecurrentError('DISPOSED', 'the classifier was used after dispose()', hint));
    }
    const task = work().finally(() => running.delete(task));
    running.add(task);
    return task;
  }

  async function runIds(ids: Int32Array, rows: number, time: number): Promise<RawOutputs> {
    const logits = new Float32Array(rows * head.outputs);
    const probabilities = new Float32Array(rows * head.outputs);
    const step = chunkRows(time);
    for (let row = 0; row < rows; row += step) {
      const count = Math.min(step, rows - row);
      const data = ids.subarray(row * time, (row + count) * time);
      const results = await session.run({ ids: { dataType: 'int32', dims: [count, time], data } });
      logits.set(outputOf(results, 'logits', count * head.outputs), row * head.outputs);
      probabilities.set(outputOf(results, 'probabilities', count * head.outputs), row * head.outputs);
    }
    return { logits, probabilities };
  }

  async function predictTexts(texts: readonly string[]): Promise<Prediction[]> {
    const predictions: Prediction[] = [];
    const time = metadata.preprocessing.maxLength;
    const step = chunkRows(time);
    for (let start = 0; start < texts.length; start += step) {
      const encoded = texts.slice(start, start + step).map((text) => encoder.encodeAll([text]));
      const ids = new Int32Array(encoded.length * time); // [rows, time]
      for (const [row, one] of encoded.entries()) ids.set(one.ids, row * time);
      const { probabilities } = await runIds(ids, encoded.length, time);
      for (const [row, { words, unknownWords }] of encoded.entries()) {
        const own = probabilities.subarray(row * head.outputs, (row + 1) * head.outputs);
        predictions.push(predictionOf(metadata.labels, own, { words, knownWords: words - unknownWords }));
      }
    }
    return predictions;
  }

  const classifier: TextClassifier = {
    labels: metadata.labels,
    spec: metadata.spec,
    preprocessing: metadata.preprocessing,
    predict: (text) =>
      whileOpen(async () => {
        checkTexts([text]);
        const [prediction] = await predictTexts([text]);
        return prediction as Prediction;
      }),
    predictBatch: (texts) =>
      whileOpen(async () => {
        checkTexts(texts);
        return predictTexts([...texts]);
      }),
    predictIds: (ids, rows, time) =>
      whileOpen(async () => {
        checkIds(ids, rows, time, vocabularySize);
        return runIds(ids.slice(), rows, time); // the caller may reuse its array at once
      }),
    dispose: () => {
      disposal ??= Promise.allSettled(running).then(() => session.release());
      return disposal;
    },
  };
  return { classifier, whileOpen };
}

function chunkRows(time: number): number {
  return Math.max(1, Math.floor(chunkIds / time));
}

function checkTexts(texts: readonly string[]): void {
  if (!Array.isArray(texts)) fail('INPUT_INVALID', 'the texts are no array', 'Give an array of strings.');
  const bad = texts.findIndex((text) => typeof text !== 'string');
  if (bad >= 0) fail('INPUT_INVALID', `text ${bad} is ${describe(texts[bad])}, not a string`, 'Give strings.');
}

function describe(value: unknown): string {
  return value === null ? 'null' : typeof value;
}

/** The file is to have the input and outputs that `exportOnnx` writes. @throws ONNX_INVALID */
function checkPorts({ inputs, outputs }: GuardedSession, columns: number): void {
  const given = [...inputs, ...outputs].map(({ name, dataType, shape }) => {
    return `${name} ${dataType} [${shape.map((size) => (typeof size === 'string' ? '…' : size)).join(', ')}]`;
  });
  const expected = ['ids int32 […, …]', `logits float32 […, ${columns}]`, `probabilities float32 […, ${columns}]`];
  if (given.join('; ') !== expected.join('; ')) {
    fail(
      'ONNX_INVALID',
      `the ONNX file has ${given.join('; ')}, where its metadata promise ${expected.join('; ')}`,
      'Export the model again.',
    );
  }
}

function outputOf(results: Readonly<Record<string, SessionTensor>>, name: string, size: number): Float32Array {
  const data = results[name]?.data;
  if (!(data instanceof Float32Array) || data.length !== size) {
    return fail('RUNTIME_FAILED', `output ${name} does not have ${size} values`, 'Export the model again.');
  }
  const bad = data.findIndex((value) => !Number.isFinite(value));
  if (bad < 0) return data;
  return fail(
    'RUNTIME_FAILED',
    `the model gave ${data[bad]} for ${name}`,
    'Its states grow without bound: train it with bounded gates (sigmoid). In onnxruntime, softplus overflows above 88.',
  );
}
