/** Where onnxruntime is to run, as a command line says it. Ranges and meanings are those of `SessionOptions`. */
import { Option } from 'commander';
import { z } from 'zod';
import { type ProviderName, providerNames } from '../../../runtime/onnx/providers.ts';
import { arenaExtensions, graphOptimisations, type SessionOptions } from '../../../runtime/onnx/session-options.ts';
import type { Classifier } from '../../../runtime/predict/classifier.ts';
import { fail } from '../../core/errors.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { number } from './kinds.ts';

const mebibyte = 1024 ** 2;

const whole = (least: number, most: number) => z.int().min(least).max(most);

/** Options that say where and how onnxruntime runs a model. */
export const providerOptions: readonly Option[] = [
  new Option('--provider <name>', 'execution provider (default: auto, CUDA where it is, else the CPU)').choices([
    'auto',
    ...providerNames,
  ]),
  new Option('--strict-provider', 'refuse a model whose recurrent nodes do not run on that provider'),
  number('--threads <n>', 'threads inside one operator on the CPU (default: one a core)', whole(1, 1024)),
  new Option('--graph-optimisation <level>', 'how far the graph is rewritten before it runs (default: all)').choices(
    graphOptimisations,
  ),
  new Option('--no-cpu-arena', 'give memory back after each run instead of keeping it for the next'),
  new Option('--no-memory-pattern', 'claim memory as a run goes on instead of in one piece for each shape'),
  number('--device <n>', 'number of the CUDA device, from 0; with --provider cuda', whole(0, 1023)),
  number('--gpu-memory-limit <MiB>', 'most device memory, with --provider cuda', whole(1, 2 ** 30)),
  new Option('--arena-extension <how>', 'how the arena of device memory grows, with --provider cuda').choices(
    arenaExtensions,
  ),
];

export interface ProviderCommandOptions extends Omit<SessionOptions, 'providers' | 'deviceId'> {
  readonly provider?: 'auto' | ProviderName | undefined;
  readonly device?: number | undefined;
  /** In MiB. */
  readonly gpuMemoryLimit?: number | undefined;
}

/** The options of a command as the runtime takes them. `--no-…` makes false, and its absence true, which is the default. */
export function sessionOptionsOf(options: ProviderCommandOptions): SessionOptions {
  const { provider, device, gpuMemoryLimit, strictProvider, threads, graphOptimisation, arenaExtension } = options;
  return {
    providers: provider,
    strictProvider,
    threads,
    graphOptimisation,
    cpuArena: options.cpuArena === false ? false : undefined,
    memoryPattern: options.memoryPattern === false ? false : undefined,
    deviceId: device,
    gpuMemoryLimit: gpuMemoryLimit === undefined ? undefined : gpuMemoryLimit * mebibyte,
    arenaExtension,
  };
}

/** For a command that may run a model without onnxruntime. @throws OPTION_UNSUPPORTED when one of the options was given */
export function refuseProviderOptions(
  options: ProviderCommandOptions,
  why: string,
  hint = 'Name an .onnx file.',
): void {
  const given = Object.values(sessionOptionsOf(options)).some((value) => value !== undefined);
  if (given) fail('OPTION_UNSUPPORTED', `options of execution providers were given, but ${why}`, hint);
}

/** Tells people of recurrent nodes that fell back, and of nothing else. */
export function warnOfFallbacks(terminal: Terminal, { warnings }: Classifier): void {
  for (const warning of warnings) terminal.warn(`warning: ${warning}`);
}
