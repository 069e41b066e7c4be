/** Which engine trains a spec here, and why not another. */
import { availableParallelism } from 'node:os';
import type { ModelSpec } from '../../../models/layers.ts';
import { fail } from '../../core/errors.ts';
import type { EngineName, EngineProvider } from '../engine.ts';
import { jsEngine } from './js/engine.ts';
import { onnxruntimeEngine } from './onnxruntime/engine.ts';
import { tensorflowEngine } from './tensorflow/engine.ts';
import { wasmEngine } from './wasm/engine.ts';

const providers = {
  js: jsEngine,
  wasm: wasmEngine,
  onnxruntime: onnxruntimeEngine,
  tensorflow: tensorflowEngine,
} as const satisfies Record<EngineName, EngineProvider>;

/** `auto` takes the first that can. */
const preference: readonly EngineName[] = ['wasm', 'js'];

export interface SelectedEngine {
  readonly provider: EngineProvider;
  readonly threads: number;
  /** One line for people. */
  readonly note: string;
}

/**
 * @param threads as asked for; undefined: the cores there are, as far as the engine can use them
 * @param rows of the largest batch
 * @throws OPTION_UNSUPPORTED when the named engine cannot do it, with the reason
 */
export async function selectEngine(
  name: EngineName | 'auto',
  spec: ModelSpec,
  threads: number | undefined,
  rows: number,
): Promise<SelectedEngine> {
  const candidates = name === 'auto' ? preference : [name];
  const reasons: string[] = [];
  for (const candidate of candidates) {
    const provider = providers[candidate];
    const most = provider.mostThreads(rows);
    const refusal = (await provider.refusal(spec)) ?? refuseThreads(candidate, threads, most, rows);
    if (refusal === undefined) {
      const used = threads ?? Math.min(availableParallelism(), most);
      const why = name === 'auto' ? ['chosen automatically', ...reasons] : ['as asked'];
      return { provider, threads: used, note: `engine ${candidate}, ${counted(used)} (${why.join('; ')})` };
    }
    reasons.push(`${candidate}: ${refusal}`);
  }
  return fail(
    'OPTION_UNSUPPORTED',
    `no engine can train this: ${reasons.join('; ')}`,
    'Use --engine auto without --threads.',
  );
}

function refuseThreads(name: EngineName, threads = 1, most: number, rows: number): string | undefined {
  if (threads <= most) return undefined;
  return `engine ${name} uses at most ${counted(most)} for batches of ${rows} rows, ${threads} were asked for`;
}

function counted(threads: number): string {
  return `${threads} ${threads === 1 ? 'thread' : 'threads'}`;
}
