/** A guarded session of onnxruntime-node, on the execution providers that are asked for. */
import type * as Ort from 'onnxruntime-node';
import { readHeader } from '../../models/metadata/header.ts';
import { fail } from '../../src/core/errors.ts';
import { firstLine, type GuardedSession, guardSession, modelRefused } from './guard.ts';
import { loadOrt, type OrtModule } from './ort.ts';
import {
  chooseProviders,
  type ProviderChoice,
  type ProviderName,
  type ProviderRequest,
  refuseCuda,
} from './providers.ts';

export interface SessionOptions {
  /** Default: `auto`. */
  readonly providers?: ProviderRequest;
  /** Threads inside one operator. Default: one a core. */
  readonly threads?: number;
}

export interface Session extends GuardedSession {
  /** Asked of onnxruntime, in order of preference; where nodes really ran is told by `profilePlacement`. */
  readonly providers: readonly ProviderName[];
  /** Why these providers, in one line. */
  readonly providerNote: string;
  /** Writes the profile, if one was asked for. */
  endProfiling(): void;
}

/** onnxruntime's own lines on standard error: only fatal ones, as all others reach the caller as errors. */
const quiet = { logSeverityLevel: 4 } as const;

/**
 * @param model the bytes of an ONNX file
 * @param profilePrefix where to write a profile of the runs, if one is wanted
 * @param ort another onnxruntime than that of this process
 * @throws ONNX_INVALID, OPTION_INVALID, PACKAGE_MISSING, PROVIDER_MISSING
 */
export async function openSession(
  model: Uint8Array,
  { providers: request = 'auto', threads }: SessionOptions = {},
  profilePrefix?: string,
  ort?: OrtModule,
): Promise<Session> {
  if (threads !== undefined && !(Number.isInteger(threads) && threads >= 1 && threads <= 1024)) {
    fail('OPTION_INVALID', `threads is ${String(threads)}`, 'Give a whole number from 1 to 1024.');
  }
  readHeader(model);
  const module = ort ?? (await loadOrt());
  const choice = chooseProviders(request, module);
  const { session, providers, note } = await create(choice, (executionProviders) =>
    module.InferenceSession.create(model, {
      ...quiet,
      executionProviders,
      ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
      ...(profilePrefix === undefined ? {} : { enableProfiling: true, profileFilePrefix: profilePrefix }),
    }),
  );
  return {
    ...guardSession(module, session),
    providers,
    providerNote: note,
    endProfiling: () => session.endProfiling(),
  };
}

interface Created {
  readonly session: Ort.InferenceSession;
  readonly providers: readonly ProviderName[];
  readonly note: string;
}

/** onnxruntime does not say whether the model or the provider is at fault: a model that opens on the CPU is not. */
async function create(
  { providers, note, optional }: ProviderChoice,
  open: (providers: ProviderName[]) => Promise<Ort.InferenceSession>,
): Promise<Created> {
  try {
    return { session: await open([...providers]), providers, note };
  } catch (error) {
    if (!providers.includes('cuda')) return modelRefused(error);
    const session = await open(['cpu']).catch(modelRefused);
    if (optional) return { session, providers: ['cpu'], note: `cpu: CUDA does not start: ${firstLine(error)}` };
    await session.release();
    return refuseCuda(firstLine(error), error);
  }
}
