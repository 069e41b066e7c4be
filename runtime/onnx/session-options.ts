/**
 * What a session can be told, checked here: onnxruntime-node drops what it does not know, and hands its CUDA provider
 * nothing but the number of a device (`js/node/src/session_options_helper.cc` of 1.30). An option that the chosen
 * provider cannot honour is refused.
 */
import type * as Ort from 'onnxruntime-node';
import { fail } from '../../src/core/errors.ts';
import { type ProviderName, type ProviderRequest, providersNamed } from './providers.ts';

export const graphOptimisations = ['disabled', 'basic', 'extended', 'layout', 'all'] as const;
export const arenaExtensions = ['next-power-of-two', 'same-as-requested'] as const;

/** Where and how onnxruntime runs a model. */
export interface SessionOptions {
  /** Default: `auto`. */
  readonly providers?: ProviderRequest | undefined;
  /** Refuses a model whose recurrent nodes do not run on the first provider, which must be named. Default: a warning. */
  readonly strictProvider?: boolean | undefined;
  /** Threads inside one operator, of the CPU provider. Default: one a core. */
  readonly threads?: number | undefined;
  /** How far the graph is rewritten before it runs; numbers may differ in their last bits. Default: `all`. */
  readonly graphOptimisation?: (typeof graphOptimisations)[number] | undefined;
  /** Whether the CPU provider keeps the memory of a run for the next: faster, and never given back. Default: true. */
  readonly cpuArena?: boolean | undefined;
  /** Whether the memory of a run is laid out before it, once for each shape, in one piece. Default: true. */
  readonly memoryPattern?: boolean | undefined;
  /** CUDA: number of the device, from 0; `CUDA_VISIBLE_DEVICES` numbers them anew. Needs `cuda` by name. Default: 0. */
  readonly deviceId?: number | undefined;
  /** CUDA: most bytes of device memory. Refused: see `arenaExtension`. */
  readonly gpuMemoryLimit?: number | undefined;
  /** CUDA: by how much the arena of device memory grows. Refused by onnxruntime-node 1.30, which cannot pass it on. */
  readonly arenaExtension?: (typeof arenaExtensions)[number] | undefined;
}

/** Names of all options, for those that check them. */
export const sessionOptionNames = Object.keys({
  providers: true,
  strictProvider: true,
  threads: true,
  graphOptimisation: true,
  cpuArena: true,
  memoryPattern: true,
  deviceId: true,
  gpuMemoryLimit: true,
  arenaExtension: true,
} satisfies Record<keyof SessionOptions, true>);

/** @throws OPTION_INVALID, OPTION_UNSUPPORTED */
export function checkSessionOptions(options: SessionOptions): void {
  const { providers = 'auto', threads, deviceId, gpuMemoryLimit, arenaExtension } = options;
  checkWhole('threads', threads, 1, 1024);
  checkWhole('deviceId', deviceId, 0, 1023);
  checkWhole('gpuMemoryLimit', gpuMemoryLimit, 1, Number.MAX_SAFE_INTEGER);
  checkChoice('graphOptimisation', options.graphOptimisation, graphOptimisations);
  checkChoice('arenaExtension', arenaExtension, arenaExtensions);
  checkBoolean('cpuArena', options.cpuArena);
  checkBoolean('memoryPattern', options.memoryPattern);
  checkBoolean('strictProvider', options.strictProvider);
  const named = providersNamed(providers);
  if (options.strictProvider && named.length === 0) {
    const hint = 'Name the provider that the recurrent nodes must run on, such as cuda.';
    fail('OPTION_INVALID', 'strictProvider has no provider to be strict about: providers is auto', hint);
  }
  const cuda = named.includes('cuda');
  if (deviceId !== undefined && !cuda) refuse('deviceId', named);
  if (gpuMemoryLimit !== undefined)
    cuda ? refuseOnCuda('gpuMemoryLimit', 'gpu_mem_limit') : refuse('gpuMemoryLimit', named);
  if (arenaExtension !== undefined) {
    cuda ? refuseOnCuda('arenaExtension', 'arena_extend_strategy') : refuse('arenaExtension', named);
  }
}

/** The options as onnxruntime knows them. */
export function toOrtOptions(
  { threads, graphOptimisation, cpuArena, memoryPattern, deviceId }: SessionOptions,
  providers: readonly ProviderName[],
): Ort.InferenceSession.SessionOptions {
  return {
    // onnxruntime's own lines on standard error: only fatal ones, as all others reach the caller as errors.
    logSeverityLevel: 4,
    executionProviders: providers.map((name) =>
      name === 'cuda' && deviceId !== undefined ? { name, deviceId } : name,
    ),
    ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
    ...(graphOptimisation === undefined ? {} : { graphOptimizationLevel: graphOptimisation }),
    ...(cpuArena === undefined ? {} : { enableCpuMemArena: cpuArena }),
    ...(memoryPattern === undefined ? {} : { enableMemPattern: memoryPattern }),
  };
}

function refuse(option: string, named: readonly ProviderName[]): never {
  const given = named.length ? named.join(', ') : 'auto';
  fail(
    'OPTION_UNSUPPORTED',
    `${option} is an option of provider cuda, and providers is ${given}`,
    'Name cuda, or leave it out.',
  );
}

function refuseOnCuda(option: string, providerOption: string): never {
  fail(
    'OPTION_UNSUPPORTED',
    `${option}: onnxruntime-node hands its CUDA provider nothing but the device`,
    `Leave it out here. Triton's config.pbtxt and onnxruntime for Python have it as ${providerOption}.`,
  );
}

function checkWhole(name: string, value: number | undefined, least: number, most: number): void {
  if (value === undefined || (Number.isSafeInteger(value) && value >= least && value <= most)) return;
  fail('OPTION_INVALID', `${name} is ${String(value)}`, `Give a whole number from ${least} to ${most}.`);
}

function checkChoice(name: string, value: string | undefined, choices: readonly string[]): void {
  if (value === undefined || choices.includes(value)) return;
  fail('OPTION_INVALID', `${name} is ${String(value)}`, `Choose among ${choices.join(', ')}.`);
}

function checkBoolean(name: string, value: boolean | undefined): void {
  if (value === undefined || typeof value === 'boolean') return;
  fail('OPTION_INVALID', `${name} is ${String(value)}`, 'Give true or false.');
}
