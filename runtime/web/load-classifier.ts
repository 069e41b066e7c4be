import { readMetadata } from '../../models/metadata/metadata.ts';
import { planModel } from '../../models/plan.ts';
import { fail, RecurrentError } from '../../src/core/errors.ts';
import { checkOptionNames } from '../../src/core/option-names.ts';
import { openUnlessAborted } from '../abort.ts';
import { type BatchingOptions, readBatchingOptions } from '../batching/batcher.ts';
import { loadOrtWeb } from '../onnx/ort-web.ts';
import { createSessionRunner } from '../onnx/session-runner.ts';
import { openWebSession } from '../onnx/web-session.ts';
import { createTextClassifier, type TextClassifier } from '../predict/text-classifier.ts';

/** An address, or the bytes of a file. */
export type ModelSource = string | URL | Uint8Array | ArrayBuffer;

/** How a classifier is opened in a browser. */
export interface WebOptions {
  /** How predictions that are asked for at the same time run together. */
  readonly batching?: BatchingOptions;
  /** Ends loading at once, the transfer too, with `INTERRUPTED`; once the classifier is open it has no more effect. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Opens a file written by `exportOnnx` with onnxruntime-web: tokenizer, vocabulary, padding and guards are those of Node.
 *
 * @param source address of the ONNX file, from which it is fetched, or its contents
 * @throws INPUT_INVALID, DOWNLOAD_FAILED, ONNX_INVALID, METADATA_INVALID, OPTION_UNKNOWN, OPTION_INVALID, PACKAGE_MISSING,
 * INTERRUPTED
 */
export async function loadClassifier(source: ModelSource, options: WebOptions = {}): Promise<TextClassifier> {
  checkOptionNames('loadClassifier', options, ['batching', 'signal']);
  readBatchingOptions(options.batching);
  return openUnlessAborted(
    options.signal,
    () => open(source, options),
    (late) => late.dispose(),
  );
}

async function open(source: ModelSource, options: WebOptions): Promise<TextClassifier> {
  const model = await contentsOf(source, options.signal);
  const metadata = readMetadata(model);
  const runner = await createSessionRunner(await openWebSession(await loadOrtWeb(), model), planModel(metadata.spec));
  return createTextClassifier(metadata, runner, options.batching).classifier;
}

async function contentsOf(source: ModelSource, signal: AbortSignal | undefined): Promise<Uint8Array> {
  if (source instanceof Uint8Array) return source;
  if (source instanceof ArrayBuffer) return new Uint8Array(source);
  if (typeof source === 'string' || source instanceof URL) return fetchWhole(source, signal);
  return fail(
    'INPUT_INVALID',
    'the model is neither an address nor bytes',
    'Give a URL, a Uint8Array or an ArrayBuffer.',
  );
}

async function fetchWhole(address: string | URL, signal: AbortSignal | undefined): Promise<Uint8Array> {
  try {
    const response = await fetch(address, { signal: signal ?? null });
    if (response.ok) return new Uint8Array(await response.arrayBuffer());
    return refuse(address, `the server answers ${response.status} ${response.statusText}`.trimEnd());
  } catch (error) {
    if (error instanceof RecurrentError) throw error;
    return refuse(address, (error as Error).message, error);
  }
}

function refuse(address: string | URL, what: string, cause?: unknown): never {
  const hint = 'Check the address; another origin must allow the request (CORS).';
  fail('DOWNLOAD_FAILED', `the model cannot be fetched from ${address}: ${what}`, hint, cause);
}
