/**
 * The model spec: what a model *is*, described once and never guessed again. `parseSpec` fills in every
 * default, so that a parsed spec states each convention (reset gate, bias layout, activations) explicitly.
 */
import { fail } from '../src/core/errors.ts';
import { type Layer, type ModelSpec, type RecurrentLayer, type SchemaSpec, specSchema } from './layers.ts';
import { planModel } from './plan.ts';

/** For what is parsed once a model: zod would first compile a parser, which takes ten times as long as to parse. */
export const parsedOnce = { jitless: true } as const;

/**
 * Parses a spec, fills in defaults and layer names (Keras' rule: `lstm`, `lstm_1`, …) and checks that the layers fit together.
 * @throws SPEC_INVALID with the place and what is allowed there
 */
export function parseSpec(json: unknown): ModelSpec {
  const result = specSchema.safeParse(json, parsedOnce);
  if (!result.success) {
    const lines = result.error.issues.map(
      ({ path, message }) => `${path.length ? formatPath(path) : 'spec'}: ${message}`,
    );
    fail('SPEC_INVALID', lines.join('; '), 'See docs/spec.md for the layers and their options.');
  }
  const { version, name, initialisers, layers } = result.data;
  const taken = new Set(layers.flatMap((layer) => layer.name ?? []));
  const spec: ModelSpec = { version, name, initialisers, layers: layers.map((layer) => complete(layer, taken)) };
  planModel(spec);
  return spec;
}

function formatPath(path: readonly PropertyKey[]): string {
  return path.map((part, at) => (typeof part === 'number' ? `[${part}]` : `${at ? '.' : ''}${String(part)}`)).join('');
}

/** Keras' snake-case names of the layer kinds, used for default names. */
const defaultNames = {
  embedding: 'embedding',
  oneHot: 'one_hot',
  simpleRnn: 'simple_rnn',
  lstm: 'lstm',
  gru: 'gru',
  dense: 'dense',
  dropout: 'dropout',
  bidirectional: 'bidirectional',
  pooling: 'pooling',
} as const satisfies Record<Layer['type'], string>;

function complete(layer: SchemaSpec['layers'][number], taken: Set<string>): Layer {
  const name = layer.name ?? freeName(defaultNames[layer.type], taken);
  if (layer.type === 'bidirectional') {
    const inner = withBias(layer.layer);
    return named({ ...layer, layer: named(inner, inner.name ?? defaultNames[inner.type]) }, name) as Layer;
  }
  return named(layer.type === 'gru' ? withBias(layer) : layer, name) as Layer;
}

/** Keys in the order of the schema, so that a spec has one JSON form, however often it is parsed. */
function named<L extends { readonly type: string; readonly name?: string | undefined }>(layer: L, name: string) {
  const { type, name: _, ...options } = layer;
  return { type, name, ...options };
}

type SchemaRecurrent = Extract<SchemaSpec['layers'][number], { type: RecurrentLayer['type'] }>;

function withBias(layer: SchemaRecurrent) {
  return layer.type === 'gru' ? { ...layer, bias: layer.bias ?? (layer.resetAfter ? 'double' : 'single') } : layer;
}

function freeName(base: string, taken: Set<string>): string {
  let candidate: string = base;
  for (let count = 1; taken.has(candidate); count++) candidate = `${base}_${count}`;
  taken.add(candidate);
  return candidate;
}
