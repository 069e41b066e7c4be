import type { ModelMetadata } from '../../models/metadata/metadata.ts';
import { describeFallback, recurrentFallbacks, refuseFallbacks } from '../onnx/fallbacks.ts';
import type { NodePlacement } from '../onnx/placement.ts';
import type { ProviderName } from '../onnx/providers.ts';
import type { SessionOptions } from '../onnx/session-options.ts';

export interface CheckedPlacement {
  /** One line for each recurrent node that does not run on the first provider, with the reason. */
  readonly warnings: readonly string[];
  /** Which provider runs each node; profiled where it is not known. */
  placement(): Promise<NodePlacement[]>;
}

/**
 * Finds out where the nodes of a model that was opened on `providers` run, as far as it needs to be known: the CPU runs
 * everything.
 * @throws PROVIDER_FALLBACK with `strictProvider`
 */
export async function checkPlacement(
  model: Uint8Array,
  { spec, preprocessing }: ModelMetadata,
  providers: readonly ProviderName[],
  options: SessionOptions,
): Promise<CheckedPlacement> {
  const placement = async () => {
    const { cachedPlacement } = await import('../onnx/placement-cache.ts');
    return cachedPlacement(model, options, providers, async () => {
      const { profilePlacement } = await import('../onnx/placement.ts');
      const time = preprocessing.maxLength;
      const padding = { dataType: 'int32', dims: [1, time], data: new Int32Array(time) } as const;
      return profilePlacement(model, options, { ids: padding });
    });
  };
  const wanted = providers[0] as ProviderName;
  if (wanted === 'cpu') return { warnings: [], placement };
  const fallbacks = recurrentFallbacks(await placement(), wanted, spec);
  if (options.strictProvider) refuseFallbacks(fallbacks, wanted);
  return { warnings: fallbacks.map((fallback) => describeFallback(fallback, wanted)), placement };
}
