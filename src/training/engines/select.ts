/** Which engine trains a spec here, and why not another. */
import type { ModelSpec } from '../../../models/layers.ts';
import { fail } from '../../core/errors.ts';
import type { EngineName, EngineProvider } from '../engine.ts';
import { jsEngine } from './js/engine.ts';
import { tensorflowEngine } from './tensorflow/engine.ts';
import { wasmEngine } from './wasm/engine.ts';

const providers = { js: jsEngine, wasm: wasmEngine, tensorflow: tensorflowEngine } as const satisfies Record<
  EngineName,
  EngineProvider
>;

/** `auto` takes the first that can. */
const preference: readonly EngineName[] = ['wasm', 'js'];

export interface SelectedEngine {
  readonly provider: EngineProvider;
  readonly threads: number;
  /** One line for people. */
  readonly note: string;
}

/**
 * @param threads as asked for; undefined: as many as the engine can use
 * @throws OPTION_UNSUPPORTED when the named engine cannot do it, with the reason
 */
export async function selectEngine(
  name: EngineName | 'auto',
  spec: ModelSpec,
  threads: number | undefined,
): Promise<SelectedEngine> {
  const candidates = name === 'auto' ? preference : [name];
  const reasons: string[] = [];
  for (const candidate of candidates) {
    const provider = providers[candidate];
    const refusal = (await provider.refusal(spec)) ?? refuseThreads(candidate, threads);
    if (refusal === undefined) {
      const why = name === 'auto' ? ['chosen automatically', ...reasons] : ['as asked'];
      return { provider, threads: threads ?? 1, note: `engine ${candidate}, 1 thread (${why.join('; ')})` };
    }
    reasons.push(`${candidate}: ${refusal}`);
  }
  return fail(
    'OPTION_UNSUPPORTED',
    `no engine can train this: ${reasons.join('; ')}`,
    'Use --engine auto without --threads.',
  );
}

/** All engines so far compute on one thread. */
function refuseThreads(name: EngineName, threads: number | undefined): string | undefined {
  return threads === undefined || threads === 1
    ? undefined
    : `engine ${name} has one thread, ${threads} were asked for`;
}
