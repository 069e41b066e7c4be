import type { KerasLayer } from './config.ts';

/**
 * Where a weight belongs by its name, such as `sequential/bidirectional/forward_lstm/lstm_cell/kernel:0` →
 * `bidirectional/forward/kernel`. Names of models around and cells within a layer differ between versions.
 *
 * @returns undefined where no layer has it
 */
export function placeOf(parts: readonly string[], layers: readonly KerasLayer[]): string | undefined {
  const role = parts.at(-1)?.replace(/:\d+$/, '');
  const at = parts.findLastIndex((part, index) => index < parts.length - 1 && layers.some(({ name }) => name === part));
  const layer = layers.find(({ name }) => name === parts[at]);
  if (!layer || role === undefined) return undefined;
  if (layer.className !== 'Bidirectional') return `${layer.name}/${role}`;
  const direction = /^(forward|backward)_/.exec(parts[at + 1] ?? '')?.[1];
  return direction === undefined ? undefined : `${layer.name}/${direction}/${role}`;
}
