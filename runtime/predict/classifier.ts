import type { ModelSpec } from '../../models/layers.ts';
import { readMetadata } from '../../models/metadata/metadata.ts';
import { planModel } from '../../models/plan.ts';
import { createEncoder } from '../../models/text/encoder.ts';
import type { Preprocessing } from '../../models/text/preprocessing.ts';
import { fail, RecurrentError } from '../../src/core/errors.ts';
import { readFileWhole } from '../../src/core/files.ts';
import { checkOptionNames } from '../../src/core/option-names.ts';
import { type NodePlacement, profilePlacement } from '../onnx/placement.ts';
import type { ProviderName } from '../onnx/providers.ts';
import { openSession, type Session, type SessionOptions, type SessionTensor } from '../onnx/session.ts';
import { checkIds } from './check-ids.ts';
import { type Prediction, predictionOf } from './prediction.ts';

export interface RawOutputs {
  /** [rows, outputs] */
  readonly logits: Float32Array;
  /** [rows, outputs]: sigmoid or softmax of the logits. */
  readonly probabilities: Float32Array;
}

export interface Classifier {
  /** Names of the classes by index. */
  readonly labels: readonly string[];
  readonly spec: ModelSpec;
  readonly preprocessing: Preprocessing;
  /** Execution providers in order of preference; `placement` tells which of them ran a node. */
  readonly providers: readonly ProviderName[];
  /** Why these providers, in one line. */
  readonly providerNote: string;
  /** @throws INPUT_INVALID, DISPOSED, RUNTIME_FAILED */
  predict(text: string): Promise<Prediction>;
  /** Predictions in the order of `texts`. @throws INPUT_INVALID, DISPOSED, RUNTIME_FAILED */
  predictBatch(texts: readonly string[]): Promise<Prediction[]>;
  /**
   * @param ids token ids, [rows, time]
   * @throws INPUT_INVALID, DISPOSED, RUNTIME_FAILED
   */
  predictIds(ids: Int32Array, rows: number, time: number): Promise<RawOutputs>;
  /** Runs the model once more, with profiling. @throws DISPOSED, RUNTIME_FAILED */
  placement(): Promise<NodePlacement[]>;
  /** Frees the session once the predictions that are running have ended. Further calls do nothing. */
  dispose(): Promise<void>;
}

/** Ids that go through the model at a time: bounds memory, and lets other work in between. */
const chunkIds = 2 ** 15;

/**
 * Opens a file written by `exportOnnx`: all that is needed to classify raw text is in it.
 *
 * @param source path or contents of the ONNX file
 * @throws INPUT_INVALID, FILE_NOT_FOUND, FILE_ACCESS, ONNX_INVALID, METADATA_INVALID, OPTION_UNKNOWN, OPTION_INVALID, PACKAGE_MISSING, PROVIDER_MISSING
 */
export async function loadClassifier(source: string | Uint8Array, options: SessionOptions = {}): Promise<Classifier> {
  checkOptionNames('loadClassifier', options, ['providers', 'threads']);
  const model = await contentsOf(source);
  const metadata = readMetadata(model);
  const { head, vocabularySize } = planModel(metadata.spec);
  const encoder = createEncoder({ ...metadata, vocabularySize });
  const session = await openSession(model, options);
  try {
    checkPorts(session, head.outputs);
  } catch (error) {
    await session.release();
    throw error;
  }

  const running = new Set<Promise<unknown>>();
  let disposal: Promise<void> | undefined;

  /** Keeps the session open until `work` has ended. */
  function tracked<T>(work: () => Promise<T>): Promise<T> {
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

  return {
    labels: metadata.labels,
    spec: metadata.spec,
    preprocessing: metadata.preprocessing,
    providers: session.providers,
    providerNote: session.providerNote,
    predict: (text) =>
      tracked(async () => {
        checkTexts([text]);
        const [prediction] = await predictTexts([text]);
        return prediction as Prediction;
      }),
    predictBatch: (texts) =>
      tracked(async () => {
        checkTexts(texts);
        return predictTexts([...texts]);
      }),
    predictIds: (ids, rows, time) =>
      tracked(async () => {
        checkIds(ids, rows, time, vocabularySize);
        return runIds(ids.slice(), rows, time); // the caller may reuse its array at once
      }),
    placement: () =>
      tracked(() => {
        const time = metadata.preprocessing.maxLength;
        const ids = { dataType: 'int32', dims: [1, time], data: new Int32Array(time) } as const;
        return profilePlacement(model, options, { ids });
      }),
    dispose: () => {
      disposal ??= Promise.allSettled(running).then(() => session.release());
      return disposal;
    },
  };
}

/** The bytes of a file, or a copy of those given: `placement` needs them again later. */
async function contentsOf(source: string | Uint8Array): Promise<Uint8Array> {
  if (typeof source === 'string') return readFileWhole(source);
  if (source instanceof Uint8Array) return new Uint8Array(source);
  return fail('INPUT_INVALID', 'the model is neither a path nor a Uint8Array', 'Give one of them.');
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
function checkPorts({ inputs, outputs }: Session, columns: number): void {
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
