/**
 * The layers of a Sequential model, or of a functional one whose layers form a chain, in the order of the data. Keras 2,
 * Keras 3 and TensorFlow.js write the same description but for how a functional layer names what it takes.
 */
import { fail } from '../../../src/core/errors.ts';
import { isJson, type Json, refuseFile } from '../json.ts';
import type { KerasLayer } from './config.ts';

export interface Chain {
  readonly name: string;
  readonly layers: readonly KerasLayer[];
}

/** @param path named in errors @throws IMPORT_INVALID, LAYER_UNSUPPORTED */
export function readChain(model: unknown, path: string): Chain {
  if (!isJson(model) || typeof model.class_name !== 'string') return refuseFile(path, 'has no description of a model');
  const { class_name: className } = model;
  // the first versions of Keras gave the layers of a Sequential model without a name for it
  const config: unknown = Array.isArray(model.config) ? { layers: model.config } : model.config;
  if (!isJson(config)) return refuseFile(path, 'has a model without a configuration');
  const name = typeof config.name === 'string' && config.name !== '' ? config.name.slice(0, 100) : 'imported';
  switch (className) {
    case 'Sequential':
      return { name, layers: layersOf(config, path) };
    case 'Functional':
    case 'Model':
      return { name, layers: walk(config, path) };
    default:
      return fail(
        'LAYER_UNSUPPORTED',
        `${path} holds a model of class ${JSON.stringify(className)}: its layers stand in Python alone`,
        'Build the same model as a Sequential or functional one, copy the weights (set_weights) and save that.',
      );
  }
}

function layersOf(config: Json, path: string): KerasLayer[] {
  if (!Array.isArray(config.layers)) return refuseFile(path, 'has a model without layers');
  const layers = config.layers.map((entry) => layerOf(entry, path));
  const names = new Set(layers.map(({ name }) => name));
  if (names.size < layers.length) return refuseFile(path, 'has two layers of one name');
  return layers;
}

/** @param entry with `class_name` and `config` */
export function layerOf(entry: unknown, path: string): KerasLayer {
  if (!isJson(entry) || typeof entry.class_name !== 'string' || !isJson(entry.config)) {
    return refuseFile(path, 'has a layer without class or configuration');
  }
  const { name } = entry.config;
  if (typeof name !== 'string') return refuseFile(path, `has a layer ${entry.class_name} without a name`);
  return { name, className: entry.class_name, config: entry.config };
}

/** From the output to the input, each layer taking what exactly one other gives. */
function walk(config: Json, path: string): KerasLayer[] {
  const layers = new Map(layersOf(config, path).map((layer) => [layer.name, layer]));
  const first = onlyName(config.input_layers, path, 'inputs');
  const entries = config.layers as Json[];
  const masks = entries.filter((entry) => masksZeros(entry, first)).map(nameIn);
  for (const mask of masks) layers.delete(mask);
  const others = entries.filter((entry) => !masks.includes(nameIn(entry)));
  const inputs = new Map(others.map((entry) => [nameIn(entry), inputOf(entry, masks, path)]));
  const chain: KerasLayer[] = [];
  let at: string | undefined = onlyName(config.output_layers, path, 'outputs');
  while (at !== undefined) {
    const layer = layers.get(at);
    if (!layer) return refuseFile(path, `names a layer ${at} that it does not have, or goes round in a circle`);
    layers.delete(at);
    chain.unshift(layer);
    at = inputs.get(at);
  }
  const [aside] = layers.keys();
  if (aside !== undefined || chain[0]?.name !== first) {
    return notAChain(`layer ${aside ?? first} is not on the way from the input to the output`);
  }
  if (masks.length > 0 && !chain.some((layer) => layer.config.mask_zero === true)) {
    return notAChain('it masks ids of 0 without an Embedding that does');
  }
  return chain;
}

const nameIn = (entry: Json) => (entry.config as Json).name as string;

/** `NotEqual(input, 0)`: how Keras 3 writes the mask that an Embedding with `mask_zero` makes, beside that itself. */
function masksZeros({ class_name: className, inbound_nodes: nodes }: Json, input: string): boolean {
  if (className !== 'NotEqual' || !Array.isArray(nodes) || nodes.length !== 1 || !isJson(nodes[0])) return false;
  const { args } = nodes[0];
  return Array.isArray(args) && args.length === 2 && historyOf(args[0]) === input && args[1] === 0;
}

/** The name in `["input", 0, 0]` or in a list of one such. */
function onlyName(places: unknown, path: string, what: string): string {
  const list = Array.isArray(places) && Array.isArray(places[0]) ? places : [places];
  if (list.length !== 1) return notAChain(`it has ${list.length} ${what}`);
  const [[name] = []] = list as [unknown[]?];
  return typeof name === 'string' ? name : refuseFile(path, `does not name its ${what}`);
}

/** The layer that gives a tensor of Keras 3: `{"class_name": "__keras_tensor__", "config": {"keras_history": ["embedding", 0, 0]}}`. */
function historyOf(tensor: unknown): string | undefined {
  const history = isJson(tensor) && isJson(tensor.config) ? tensor.config.keras_history : undefined;
  return Array.isArray(history) && typeof history[0] === 'string' ? history[0] : undefined;
}

/** The layer whose output `entry` takes; undefined for an input. */
function inputOf(entry: Json, masks: readonly string[], path: string): string | undefined {
  const { name } = entry.config as Json;
  const nodes = entry.inbound_nodes ?? [];
  if (!Array.isArray(nodes)) return refuseFile(path, `has a layer ${name} without a list of nodes`);
  if (nodes.length === 0) return undefined;
  if (nodes.length > 1) return notAChain(`layer ${name} is used ${nodes.length} times`);
  const [node] = nodes;
  const { sources, options } = isJson(node) ? ofKeras3(node) : ofKeras2(node);
  const isPlain = (key: string, value: unknown) =>
    value === null || key === 'training' || (key === 'mask' && masks.includes(historyOf(value) ?? ''));
  const given = Object.entries(options).find(([key, value]) => !isPlain(key, value));
  if (given) return notAChain(`layer ${name} is called with ${given[0]}`);
  if (sources.length !== 1) return notAChain(`layer ${name} takes ${sources.length} tensors`);
  const [source] = sources;
  return typeof source === 'string' ? source : refuseFile(path, `does not say what layer ${name} takes`);
}

interface Node {
  readonly sources: readonly unknown[];
  readonly options: Json;
}

/** `{"args": [<tensor>], "kwargs": {…}}` */
function ofKeras3({ args, kwargs }: Json): Node {
  return { sources: Array.isArray(args) ? args.flat().map(historyOf) : [], options: isJson(kwargs) ? kwargs : {} };
}

/** `[["embedding", 0, 0, {…}]]` */
function ofKeras2(node: unknown): Node {
  const tensors = Array.isArray(node) ? node : [];
  const [first] = tensors;
  const options = Array.isArray(first) && isJson(first[3]) ? first[3] : {};
  return { sources: tensors.map((tensor) => (Array.isArray(tensor) ? tensor[0] : undefined)), options };
}

function notAChain(what: string): never {
  const hint = 'A spec is a chain of layers: save the part of the model that is one.';
  return fail('LAYER_UNSUPPORTED', `the model is no chain of layers: ${what}`, hint);
}
