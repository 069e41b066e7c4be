import { readMetadata } from '../../models/metadata/metadata.ts';
import { fail } from '../../src/core/errors.ts';
import { readFileWhole } from '../../src/core/files.ts';
import { checkOptionNames } from '../../src/core/option-names.ts';
import { type NodePlacement, profilePlacement } from '../onnx/placement.ts';
import type { ProviderName } from '../onnx/providers.ts';
import { openSession, type SessionOptions } from '../onnx/session.ts';
import { classifyWith, type TextClassifier } from './classify-with.ts';

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
export async function loadClassifier(source: string | Uint8Array, options: SessionOptions = {}): Promise<Classifier> {
  checkOptionNames('loadClassifier', options, ['providers', 'threads']);
  const model = await contentsOf(source);
  const metadata = readMetadata(model);
  const session = await openSession(model, options);
  const { classifier, whileOpen } = await classifyWith(metadata, session);
  return {
    ...classifier,
    providers: session.providers,
    providerNote: session.providerNote,
    placement: () =>
      whileOpen(() => {
        const time = metadata.preprocessing.maxLength;
        const ids = { dataType: 'int32', dims: [1, time], data: new Int32Array(time) } as const;
        return profilePlacement(model, options, { ids });
      }),
  };
}

/** The bytes of a file, or a copy of those given: `placement` needs them again later. */
async function contentsOf(source: string | Uint8Array): Promise<Uint8Array> {
  if (typeof source === 'string') return readFileWhole(source);
  if (source instanceof Uint8Array) return new Uint8Array(source);
  return fail('INPUT_INVALID', 'the model is neither a path nor a Uint8Array', 'Give one of them.');
}
