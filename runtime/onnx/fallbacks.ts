/** Recurrent nodes that do not run where they were meant to. Others are left alone: shape arithmetic belongs on the CPU. */
import { cudaObstacles } from '../../models/cuda-fit.ts';
import type { ModelSpec } from '../../models/layers.ts';
import { fail } from '../../src/core/errors.ts';
import type { NodePlacement } from './placement.ts';
import type { ProviderName } from './providers.ts';

export interface Fallback extends NodePlacement {
  /** Why the provider does not run it, with what would have to be trained instead. */
  readonly reason: string;
}

/** As onnxruntime names them. */
const executionProviders = {
  cpu: 'CPUExecutionProvider',
  cuda: 'CUDAExecutionProvider',
} as const satisfies Record<ProviderName, string>;

const recurrentOperators = ['RNN', 'LSTM', 'GRU'];

/** @param wanted the provider that the recurrent nodes are to run on */
export function recurrentFallbacks(
  placement: readonly NodePlacement[],
  wanted: ProviderName,
  spec: ModelSpec,
): Fallback[] {
  return placement
    .filter(({ op, provider }) => recurrentOperators.includes(op) && provider !== executionProviders[wanted])
    .map((placed) => ({ ...placed, reason: reasonOf(placed.node, wanted, spec) }));
}

/** A node is named after its layer: `lstm/LSTM`. */
function reasonOf(node: string, wanted: ProviderName, spec: ModelSpec): string {
  const layer = node.slice(0, node.lastIndexOf('/'));
  const obstacles = wanted === 'cuda' ? cudaObstacles(spec).filter((obstacle) => obstacle.layer === layer) : [];
  if (obstacles.length === 0) return 'onnxruntime does not say why';
  return obstacles.map(({ reason, remedy }) => `${reason} (${remedy})`).join(', and ');
}

/** `GRU of gru/GRU runs on CPUExecutionProvider, not cuda: resetAfter is false, … */
export function describeFallback({ node, op, provider, reason }: Fallback, wanted: ProviderName): string {
  return `${op} node ${node} runs on ${provider}, not on ${wanted}: ${reason}`;
}

/** @throws PROVIDER_FALLBACK when there is one */
export function refuseFallbacks(fallbacks: readonly Fallback[], wanted: ProviderName): void {
  if (fallbacks.length === 0) return;
  fail(
    'PROVIDER_FALLBACK',
    fallbacks.map((fallback) => describeFallback(fallback, wanted)).join('; '),
    'Train the model as the reason says, or leave strictProvider out.',
  );
}
