/** A guarded session of onnxruntime-node, on the execution providers that are asked for. */
import type * as Ort from 'onnxruntime-node';
import { readHeader } from '../../models/metadata/header.ts';
import { firstLine } from '../../src/core/errors.ts';
import { type GuardedSession, guardSession, modelRefused } from './guard.ts';
import { loadOrt, type OrtModule } from './ort.ts';
import { chooseProviders, type ProviderChoice, type ProviderName, refuseCuda } from './providers.ts';
import { checkSessionOptions, type SessionOptions, toOrtOptions } from './session-options.ts';

export interface Session extends GuardedSession {
  /** Asked of onnxruntime, in order of preference; where nodes really ran is told by `profilePlacement`. */
  readonly providers: readonly ProviderName[];
  /** Why these providers, in one line. */
  readonly providerNote: string;
  /** Writes the profile, if one was asked for. */
  endProfiling(): void;
}

export interface SessionContext {
  /** Where to write a profile of the runs, if one is wanted. */
  readonly profilePrefix?: string;
  /** Another onnxruntime than that of this process. */
  readonly ort?: OrtModule;
}

/**
 * @param model the bytes of an ONNX file
 * @throws ONNX_INVALID, OPTION_INVALID, OPTION_UNSUPPORTED, PACKAGE_MISSING, PROVIDER_MISSING
 */
export async function openSession(
  model: Uint8Array,
  options: SessionOptions = {},
  { profilePrefix, ort }: SessionContext = {},
): Promise<Session> {
  checkSessionOptions(options);
  readHeader(model);
  const module = ort ?? (await loadOrt());
  const choice = chooseProviders(options.providers ?? 'auto', module);
  const { session, providers, note } = await create(choice, (names) =>
    module.InferenceSession.create(model, {
      ...toOrtOptions(options, names),
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
  open: (providers: readonly ProviderName[]) => Promise<Ort.InferenceSession>,
): Promise<Created> {
  if (providers.includes('cuda')) keepFloat32();
  try {
    return { session: await open(providers), providers, note };
  } catch (error) {
    if (!providers.includes('cuda')) return modelRefused(error);
    const session = await open(['cpu']).catch(modelRefused);
    if (optional) return { session, providers: ['cpu'], note: `cpu: CUDA does not start: ${firstLine(error)}` };
    await session.release();
    return refuseCuda(firstLine(error), error);
  }
}

/**
 * From its A100 on, a GPU of NVIDIA rounds the inputs of products to 10 bits (TF32) unless told otherwise, and
 * onnxruntime-node cannot tell it. CUDA's libraries read this when they are loaded; who wants TF32 sets it to 1.
 * https://docs.pytorch.org/docs/stable/cuda_environment_variables.html
 */
export function keepFloat32(): void {
  process.env.NVIDIA_TF32_OVERRIDE ??= '0';
}
