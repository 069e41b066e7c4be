import { readMetadata } from '../../models/metadata/metadata.ts';
import { planModel } from '../../models/plan.ts';
import { fail } from '../../src/core/errors.ts';
import { readFileWhole } from '../../src/core/files.ts';
import { checkOptionNames } from '../../src/core/option-names.ts';
import type { BatchingOptions } from '../batching/batcher.ts';
import { type NodePlacement, profilePlacement } from '../onnx/placement.ts';
import type { ProviderName } from '../onnx/providers.ts';
import { openSession, type SessionOptions } from '../onnx/session.ts';
import { createSessionRunner } from '../onnx/session-runner.ts';
import { classifyWith, type TextClassifier } from './classify-with.ts';

export interface ClassifierOptions extends SessionOptions {
  /** How predictions that are asked for at the same time run together. */
  readonly batching?: BatchingOptions;
}

export interface Classifier extends TextClassifier {
  /** Execution providers in order of preference; `placement` tells which of them ran a node. */
  readonly providers: readonly ProviderName[];
  /** Why these providers, in one line. */
  readonly providerNote: string;
  /** Runs the model once more, with profiling. @throws DISPOSED, RUNTIME_FAILED */
  placement(): Promise<NodePlacement[]>;
}

/**
 * Opens a file written by `exportOnnx`: all that is needed to classify raw text is in it.
 *
 * @param source path or contents of the ONNX file
 * @throws INPUT_INVALID, FILE_NOT_FOUND, FILE_ACCESS, ONNX_INVALID, METADATA_INVALID, OPTION_UNKNOWN, OPTION_INVALID, PACKAGE_MISSING, PROVIDER_MISSING
 */
export async function loadClassifier(
  source: string | Uint8Array,
  options: ClassifierOptions = {},
): Promise<Classifier> {
  checkOptionNames('loadClassifier', options, ['providers', 'threads', 'batching']);
  const { batching, ...sessionOptions } = options;
  const model = await contentsOf(source);
  const metadata = readMetadata(model);
  const session = await openSession(model, sessionOptions);
  const runner = await createSessionRunner(session, planModel(metadata.spec));
  const { classifier, whileOpen } = classifyWith(metadata, runner, batching);
  return Object.assign(classifier, {
    providers: session.providers,
    providerNote: session.providerNote,
    placement: () =>
      whileOpen(() => {
        const time = metadata.preprocessing.maxLength;
        const ids = { dataType: 'int32', dims: [1, time], data: new Int32Array(time) } as const;
        return profilePlacement(model, sessionOptions, { ids });
      }),
  });
}

/** The bytes of a file, or a copy of those given: `placement` needs them again later. */
async function contentsOf(source: string | Uint8Array): Promise<Uint8Array> {
  if (typeof source === 'string') return readFileWhole(source);
  if (source instanceof Uint8Array) return new Uint8Array(source);
  return fail('INPUT_INVALID', 'the model is neither a path nor a Uint8Array', 'Give one of them.');
}
