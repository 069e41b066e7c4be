/**
 * Which engine trains a spec here, with how many threads, and why not another. `auto` reads the expected time of a
 * step off a table: the same model gets the same engine on every machine with as many cores. `fastest.ts` measures
 * instead.
 */
import { availableParallelism } from 'node:os';
import { fail } from '../../core/errors.ts';
import { formatBytes } from '../../core/format-bytes.ts';
import type { EngineLoad, EngineName, EngineProvider } from '../engine.ts';
import { type StepOptions, stepOptionsIn } from '../step-options.ts';
import { costs } from './costs.ts';
import { expectedStep } from './expected-cost.ts';
import { jsEngine } from './js/engine.ts';
import { onnxruntimeCudaEngine, onnxruntimeEngine } from './onnxruntime/engine.ts';
import { tensorflowEngine } from './tensorflow/engine.ts';
import { wasmEngine } from './wasm/engine.ts';

const providers = {
  js: jsEngine,
  wasm: wasmEngine,
  onnxruntime: onnxruntimeEngine,
  'onnxruntime-cuda': onnxruntimeCudaEngine,
  tensorflow: tensorflowEngine,
} as const satisfies Record<EngineName, EngineProvider>;

export interface EngineRequest {
  readonly load: Omit<EngineLoad, 'threads'>;
  /** As asked for; undefined: what suits, up to the cores there are. */
  readonly threads: number | undefined;
  /** Default: those of this machine. */
  readonly cores?: number | undefined;
}

/** An engine that can train what is asked for, with as many threads as `load` says. */
export interface Candidate {
  readonly provider: EngineProvider;
  readonly load: EngineLoad;
}

export interface SelectedEngine extends Candidate {
  /** One line for people. */
  readonly note: string;
  /** Of `fastest`: all that were tried, the fastest first, and why the others were not. */
  readonly trials?: readonly (TimedEngine | RefusedEngine)[];
}

export interface TimedEngine {
  /** With its threads: `wasm, 2 threads`. */
  readonly engine: string;
  /** Median milliseconds of a step. */
  readonly ms: number;
  /** Of the engine. */
  readonly remark?: string | undefined;
}

export interface RefusedEngine {
  /** With its threads, if another number of them was not refused. */
  readonly engine: string;
  readonly reason: string;
}

/** The named engine, or the one that is expected to be the fastest. @throws OPTION_INVALID, OPTION_UNSUPPORTED with the reasons */
export async function selectEngine(name: EngineName | 'auto', request: EngineRequest): Promise<SelectedEngine> {
  return name === 'auto' ? selectByCost(request) : selectByName(name, request);
}

async function selectByName(name: EngineName, request: EngineRequest): Promise<SelectedEngine> {
  if (!Object.hasOwn(providers, name)) {
    fail('OPTION_INVALID', `there is no engine ${name}`, `Engines are auto, ${Object.keys(providers).join(', ')}.`);
  }
  const { candidates, refused } = await candidatesOf([name], request);
  const candidate = candidates.at(-1) ?? refuseAll(refused);
  return { ...candidate, note: `engine ${describeCandidate(candidate)} (as asked)` };
}

async function selectByCost(request: EngineRequest): Promise<SelectedEngine> {
  const { candidates, refused } = await candidatesOf(['wasm', 'onnxruntime'], request);
  const expected = ({ provider, load }: Candidate) =>
    expectedStep(costs, provider.name, load, provider.mostThreads(load.rows)) ?? Number.POSITIVE_INFINITY;
  const [best, ...others] = candidates
    .map((candidate) => ({ candidate, ms: expected(candidate) }))
    .toSorted((a, b) => a.ms - b.ms);
  if (!best) {
    const last = await candidatesOf(['js'], request);
    const candidate = last.candidates[0] ?? refuseAll([...refused, ...last.refused]);
    const why = ['chosen automatically', ...refused.map(describeRefusal)].join('; ');
    return { ...candidate, note: `engine ${describeCandidate(candidate)} (${why})` };
  }
  const runnerUp = others.find(({ candidate }) => candidate.provider !== best.candidate.provider);
  const why = [
    `${formatTime(best.ms)} a step expected`,
    ...(runnerUp ? [`${describeCandidate(runnerUp.candidate)}: ${formatTime(runnerUp.ms)}`] : []),
    ...refused.map(describeRefusal),
  ];
  return { ...best.candidate, note: `engine ${describeCandidate(best.candidate)} (${why.join('; ')})` };
}

/** Every engine of `names` that can do it, once for each number of threads that may be taken, the most last. */
export async function candidatesOf(
  names: readonly EngineName[],
  { load, threads, cores = availableParallelism() }: EngineRequest,
): Promise<{ readonly candidates: readonly Candidate[]; readonly refused: readonly RefusedEngine[] }> {
  const candidates: Candidate[] = [];
  const refused: RefusedEngine[] = [];
  for (const name of names) {
    const provider = providers[name];
    const fewest = provider.fewestThreads?.() ?? 1;
    const most = provider.mostThreads(load.rows);
    const refusal =
      refuseStepOptions(provider, load.stepOptions) ??
      (await provider.refusal(load.spec)) ??
      refuseThreads(name, threads, fewest, most, load.rows);
    if (refusal !== undefined) {
      refused.push({ engine: name, reason: refusal });
      continue;
    }
    const counts = threads === undefined ? range(fewest, Math.max(fewest, Math.min(cores, most))) : [threads];
    const able = counts.map((count) => ({ provider, load: { ...load, threads: count } }));
    const tooLarge = able.flatMap((candidate) => refuseSize(candidate) ?? []);
    if (tooLarge.length === able.length) refused.push({ engine: name, reason: tooLarge[0] as string });
    else candidates.push(...able.filter((candidate) => refuseSize(candidate) === undefined));
  }
  return { candidates, refused };
}

/** Why an engine cannot honour the options of a step; undefined when it does. */
export function refuseStepOptions(
  { honours }: Pick<EngineProvider, 'honours'>,
  options: StepOptions = {},
): string | undefined {
  const refused = stepOptionsIn(options).filter((name) => !honours[name]);
  return refused.length ? `it does not honour ${refused.join(', ')}` : undefined;
}

export function refuseAll(refused: readonly RefusedEngine[]): never {
  return fail(
    'OPTION_UNSUPPORTED',
    `no engine can train this: ${refused.map(describeRefusal).join('; ')}`,
    'Use --engine auto without --threads.',
  );
}

function refuseSize({ provider, load }: Candidate): string | undefined {
  const { bytes, most } = provider.addressSpace?.(load) ?? { bytes: 0, most: 0 };
  if (bytes <= most) return undefined;
  const shape = `batches of ${load.rows} rows and ${load.time} steps`;
  return `${shape} need ${formatBytes(bytes)}, and it can address ${formatBytes(most)}`;
}

function refuseThreads(
  name: EngineName,
  threads: number | undefined,
  fewest: number,
  most: number,
  rows: number,
): string | undefined {
  if (threads === undefined || (threads >= fewest && threads <= most)) return undefined;
  const asked = `${threads} ${threads === 1 ? 'was' : 'were'} asked for`;
  if (fewest === most && most > 1) return `engine ${name} was started with ${counted(most)}, ${asked}`;
  return `engine ${name} uses at most ${counted(most)} for batches of ${rows} rows, ${asked}`;
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

/** `wasm, 2 threads` */
export function describeCandidate({ provider, load }: Candidate): string {
  return `${provider.name}, ${counted(load.threads)}`;
}

const describeRefusal = ({ engine, reason }: RefusedEngine): string => `${engine}: ${reason}`;

/** `1.24 ms`, `310 ms` */
export function formatTime(ms: number): string {
  return `${ms < 100 ? ms.toPrecision(3) : Math.round(ms)} ms`;
}

function counted(threads: number): string {
  return `${threads} ${threads === 1 ? 'thread' : 'threads'}`;
}
