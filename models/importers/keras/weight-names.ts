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

/** Keras' variables in the order in which it saves them. */
const cell = ['kernel', 'recurrent_kernel', 'bias'];
const roles: Readonly<Record<string, readonly string[]>> = {
  Embedding: ['embeddings'],
  SimpleRNN: cell,
  LSTM: cell,
  GRU: cell,
  Bidirectional: cell,
  Dense: ['kernel', 'bias'],
};

/** The place of a dataset under `layers/`, or undefined where no layer has it. @param nameOf the attribute `name` of a group */
export type StoredPlaces = (dataset: string, nameOf: (group: string) => unknown) => string | undefined;

/**
 * Keras 3 calls a layer's group by its class, in snake case and counted, as names may repeat: `lstm`, `lstm_1`, … From 3.3 on
 * an attribute has the layer's name too, and must agree.
 */
export function storedPlaces(layers: readonly KerasLayer[]): StoredPlaces {
  const counts = new Map<string, number>();
  const groups = new Map<string, KerasLayer>();
  for (const layer of layers) {
    const base = snakeCase(layer.className);
    const count = counts.get(base) ?? 0;
    counts.set(base, count + 1);
    groups.set(count ? `${base}_${count}` : base, layer);
  }
  return (dataset, nameOf) => {
    const match = /^([^/]+)\/(?:(forward|backward)_layer\/)?(?:cell\/)?vars\/(\d+)$/.exec(dataset);
    const [, group = '', direction, index] = match ?? [];
    const layer = groups.get(group);
    const role = layer && roles[layer.className]?.[Number(index)];
    if (role === undefined || (layer?.className === 'Bidirectional') !== (direction !== undefined)) return undefined;
    const stated = nameOf(`${group}/vars`);
    if (typeof stated === 'string' && stated !== layer?.name) return undefined;
    return [layer?.name, direction, role].filter((part) => part !== undefined).join('/');
  };
}

/** As Keras' `to_snake_case`: `SimpleRNN` → `simple_rnn`. */
function snakeCase(name: string): string {
  return name
    .replace(/\W+/g, '')
    .replace(/(.)([A-Z][a-z]+)/g, '$1_$2')
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase();
}
