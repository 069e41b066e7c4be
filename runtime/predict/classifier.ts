import { availableParallelism } from 'node:os';
import { type ModelPlan, planModel } from '../../models/plan.ts';
import { fail } from '../../src/core/errors.ts';
import { readFileWhole } from '../../src/core/files.ts';
import { checkOptionNames } from '../../src/core/option-names.ts';
import { openUnlessAborted } from '../abort.ts';
import { type BatchingOptions, readBatchingOptions } from '../batching/batcher.ts';
import type { BatchRunner } from '../batching/runner.ts';
import type { NodePlacement } from '../onnx/placement.ts';
import type { ProviderName } from '../onnx/providers.ts';
import { keepFloat32, openSession, type Session } from '../onnx/session.ts';
import { type SessionOptions, sessionOptionNames } from '../onnx/session-options.ts';
import { createSessionRunner } from '../onnx/session-runner.ts';
import type { Pool } from '../pool/pool.ts';
import { type CheckedPlacement, checkPlacement } from './check-placement.ts';
import { createTextClassifier, type Load, type TextClassifier } from './text-classifier.ts';

/** Where and how a classifier runs. */
export interface ClassifierOptions extends SessionOptions {
  /** How predictions that are asked for at the same time run together. */
  readonly batching?: BatchingOptions;
  /**
   * `process`: sessions run in child processes, so that a fault inside the runtime cannot take this one down and a long
   * run never blocks its event loop. Default: `none`, the session runs on the thread that opened it.
   */
  readonly isolation?: 'none' | 'process';
  /** Child processes, with isolation. Default: 1. `threads` is of each of them; default: the cores shared out. */
  readonly workers?: number;
  /** How long a batch may take before its process counts as hung and is replaced, with isolation. Default: 30,000. */
  readonly timeoutMs?: number;
  /** Ends loading at once with `INTERRUPTED`; once the classifier is open it has no more effect. */
  readonly signal?: AbortSignal | undefined;
}

/** How busy a classifier is, and its child processes. */
export interface ClassifierLoad extends Load {
  /** Ids of the child processes that are ready or busy, with isolation. */
  readonly processes: readonly number[];
  /** Child processes that died or hung, and were replaced. */
  readonly lost: number;
}

/** An exported model that is open in Node. */
export interface Classifier extends TextClassifier {
  /** Execution providers in order of preference; `placement` tells which of them ran a node. */
  readonly providers: readonly ProviderName[];
  /** Why these providers, in one line. */
  readonly providerNote: string;
  /**
   * One line for each recurrent node that does not run on the first provider, with the reason; with isolation, where
   * nothing is profiled, none.
   */
  readonly warnings: readonly string[];
  /** How busy it is now. */
  load(): ClassifierLoad;
  /**
   * Which provider runs each node: from a profile of one run, or from the user's cache folder where the same file was
   * profiled before.
   * @throws DISPOSED, RUNTIME_FAILED; OPTION_UNSUPPORTED with isolation
   */
  placement(): Promise<NodePlacement[]>;
}

const optionNames = [...sessionOptionNames, 'batching', 'isolation', 'workers', 'timeoutMs', 'signal'];

/**
 * Opens a file written by `exportOnnx`: all that is needed to classify raw text is in it.
 *
 * @param source path or contents of the ONNX file
 * @throws INPUT_INVALID, FILE_NOT_FOUND, FILE_ACCESS, ONNX_INVALID, METADATA_INVALID, OPTION_UNKNOWN, OPTION_INVALID,
 * OPTION_UNSUPPORTED, PACKAGE_MISSING, PROVIDER_MISSING, PROVIDER_FALLBACK, RUNTIME_LOST, INTERRUPTED
 */
export async function loadClassifier(
  source: string | Uint8Array,
  options: ClassifierOptions = {},
): Promise<Classifier> {
  checkOptions(options);
  return openUnlessAborted(
    options.signal,
    () => open(source, options),
    (late) => late.dispose(),
  );
}

async function open(source: string | Uint8Array, options: ClassifierOptions): Promise<Classifier> {
  const { batching, isolation = 'none' } = options;
  // What an open model needs is loaded with the first of them, so that importing the runtime takes a few milliseconds.
  const [model, { readMetadata }] = await Promise.all([
    contentsOf(source),
    import('../../models/metadata/metadata.ts'),
  ]);
  const metadata = readMetadata(model);
  const { session, runner, pool } = await (isolation === 'process' ? openPool : openHere)(
    model,
    planModel(metadata.spec),
    options,
  );
  const { classifier, whileOpen } = createTextClassifier(metadata, runner, batching);
  let checked: CheckedPlacement | undefined;
  try {
    if (!pool) checked = await checkPlacement(model, metadata, session.providers, sessionOptionsOf(options));
  } catch (error) {
    await classifier.dispose();
    throw error;
  }
  return {
    ...classifier,
    providers: session.providers,
    providerNote: session.providerNote,
    load: () => ({ ...classifier.load(), processes: pool?.processes ?? [], lost: pool?.lost ?? 0 }),
    warnings: checked?.warnings ?? [],
    placement: () => whileOpen(async () => checked?.placement() ?? refuseProfile()),
  };
}

interface Opened {
  /** The one session, or that of the first child. */
  readonly session: Pick<Session, 'providers' | 'providerNote'>;
  readonly runner: BatchRunner;
  readonly pool?: Pool;
}

async function openHere(model: Uint8Array, plan: ModelPlan, options: ClassifierOptions): Promise<Opened> {
  const session = await openSession(model, sessionOptionsOf(options));
  return { session, runner: await createSessionRunner(session, plan) };
}

async function openPool(model: Uint8Array, plan: ModelPlan, options: ClassifierOptions): Promise<Opened> {
  const { workers = 1, timeoutMs = 30_000 } = options;
  const own = sessionOptionsOf(options);
  const share = Math.max(1, Math.floor(availableParallelism() / workers));
  let first: Session | undefined;
  if (options.providers !== 'cpu') keepFloat32(); // children have the environment that they start with
  const { startPool } = await import('../pool/pool.ts');
  const pool = await startPool(
    async ({ ort }) => {
      const session = await openSession(model, { ...own, threads: own.threads ?? share }, { ort });
      first ??= session;
      return createSessionRunner(session, plan);
    },
    { workers, timeoutMs },
  );
  return { session: first as Session, runner: pool, pool };
}

function sessionOptionsOf({
  batching,
  isolation,
  workers,
  timeoutMs,
  signal,
  ...session
}: ClassifierOptions): SessionOptions {
  return session;
}

function refuseProfile(): never {
  fail('OPTION_UNSUPPORTED', 'child processes are not profiled', "Load it with isolation: 'none'.");
}

/** @throws OPTION_UNKNOWN, OPTION_INVALID, OPTION_UNSUPPORTED */
function checkOptions(options: ClassifierOptions): void {
  checkOptionNames('loadClassifier', options, optionNames);
  readBatchingOptions(options.batching);
  const { isolation = 'none', workers = 1, timeoutMs = 1 } = options;
  if (isolation !== 'none' && isolation !== 'process') {
    fail('OPTION_INVALID', `isolation is ${String(isolation)}`, "Give 'none' or 'process'.");
  }
  if (!(Number.isInteger(workers) && workers >= 1 && workers <= 256)) {
    fail('OPTION_INVALID', `workers is ${String(workers)}`, 'Give a whole number from 1 to 256.');
  }
  if (!(timeoutMs > 0 && timeoutMs < 2 ** 31)) {
    fail('OPTION_INVALID', `timeoutMs is ${String(timeoutMs)}`, 'Give milliseconds above 0.');
  }
  if (isolation === 'process' && options.strictProvider) {
    fail(
      'OPTION_UNSUPPORTED',
      'strictProvider needs a profile, which child processes do not write',
      "Load it once with isolation: 'none' to see.",
    );
  }
  const processOnly = (['workers', 'timeoutMs'] as const).find((name) => options[name] !== undefined);
  if (isolation === 'none' && processOnly) {
    fail('OPTION_UNSUPPORTED', `${processOnly} is of child processes`, "Add isolation: 'process', or leave it out.");
  }
}

/** The bytes of a file, or a copy of those given: `placement` and new processes need them again later. */
async function contentsOf(source: string | Uint8Array): Promise<Uint8Array> {
  if (typeof source === 'string') return readFileWhole(source);
  if (source instanceof Uint8Array) return new Uint8Array(source);
  return fail('INPUT_INVALID', 'the model is neither a path nor a Uint8Array', 'Give one of them.');
}
