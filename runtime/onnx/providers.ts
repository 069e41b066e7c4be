/** Which execution providers a session is to use. onnxruntime itself does not say why one is not available. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type * as Ort from 'onnxruntime-node';
import { fail } from '../../src/core/errors.ts';
import { locateOrt } from './ort.ts';

export const providerNames = ['cpu', 'cuda'] as const;
/** An execution provider of onnxruntime. */
export type ProviderName = (typeof providerNames)[number];

/** `auto` is CUDA where it is available, else the CPU. In a list the first provider that can run a node does. */
export type ProviderRequest = 'auto' | ProviderName | readonly ProviderName[];

export interface ProviderChoice {
  /** In order of preference. */
  readonly providers: readonly ProviderName[];
  /** Why these, in one line. */
  readonly note: string;
  /** Whether the CPU alone will do if CUDA does not start. */
  readonly optional: boolean;
}

/** @throws OPTION_INVALID, PROVIDER_MISSING */
export function chooseProviders(request: ProviderRequest, ort: typeof Ort): ProviderChoice {
  const providers = providersNamed(request);
  const missing = whyNoCuda(ort);
  if (providers.length === 0) {
    return missing === undefined
      ? { providers: ['cuda', 'cpu'], note: 'cuda: available', optional: true }
      : { providers: ['cpu'], note: `cpu: ${missing}`, optional: true };
  }
  if (providers.includes('cuda') && missing !== undefined) refuseCuda(missing);
  return { providers, note: `${providers.join(', ')}: as asked`, optional: false };
}

/** The providers that `request` names: none for `auto`. @throws OPTION_INVALID */
export function providersNamed(request: ProviderRequest): readonly ProviderName[] {
  if (request === 'auto') return [];
  const providers = typeof request === 'string' ? [request] : request;
  checkNames(providers);
  return providers;
}

export function refuseCuda(reason: string, cause?: unknown): never {
  fail(
    'PROVIDER_MISSING',
    `execution provider cuda is not available: ${reason}`,
    "Run `npm rebuild onnxruntime-node --ignore-scripts=false --onnxruntime-node-install=cuda12` on Linux x64 with NVIDIA's driver, CUDA 12 and cuDNN 9, or use providers: 'auto'.",
    cause,
  );
}

function checkNames(providers: readonly string[]): void {
  const known: readonly string[] = providerNames;
  const hint = `Choose 'auto', or among ${known.join(', ')}.`;
  if (!Array.isArray(providers) || providers.length === 0)
    fail('OPTION_INVALID', 'no execution provider is named', hint);
  const unknown = providers.find((name) => !known.includes(name));
  if (unknown !== undefined) fail('OPTION_INVALID', `execution provider ${String(unknown)} is not known`, hint);
  if (new Set(providers).size !== providers.length)
    fail('OPTION_INVALID', 'an execution provider is named twice', hint);
}

/** Why CUDA is not there at all. The binding lists it wherever it was compiled in, its library present or not. */
export function whyNoCuda(ort: typeof Ort): string | undefined {
  if (!ort.listSupportedBackends().some(({ name }) => name === 'cuda')) {
    return `onnxruntime-node has no CUDA on ${process.platform}/${process.arch}`;
  }
  const entry = locateOrt();
  const folder = join(entry, '..', '..', 'bin', 'napi-v6', process.platform, process.arch);
  const library = 'libonnxruntime_providers_cuda.so';
  return existsSync(join(folder, library)) ? undefined : `${library} is not installed`;
}
