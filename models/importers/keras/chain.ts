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
  const inputs = new Map((config.layers as Json[]).map((entry) => [(entry.config as Json).name, inputOf(entry, path)]));
  const first = onlyName(config.input_layers, path, 'inputs');
  const chain: KerasLayer[] = [];
  for (
    let at: string | undefined = onlyName(config.output_layers, path, 'outputs');
    at !== undefined;
    at = inputs.get(at)
  ) {
    const layer = layers.get(at);
    if (!layer) return refuseFile(path, `names a layer ${at} that it does not have, or goes round in a circle`);
    layers.delete(at);
    chain.unshift(layer);
  }
  const [aside] = layers.keys();
  if (aside !== undefined || chain[0]?.name !== first) {
    return notAChain(`layer ${aside ?? first} is not on the way from the input to the output`);
  }
  return chain;
}

/** The name in `["input", 0, 0]` or in a list of one such. */
function onlyName(places: unknown, path: string, what: string): string {
  const list = Array.isArray(places) && Array.isArray(places[0]) ? places : [places];
  if (list.length !== 1) return notAChain(`it has ${list.length} ${what}`);
  const [[name] = []] = list as [unknown[]?];
  return typeof name === 'string' ? name : refuseFile(path, `does not name its ${what}`);
}

/** The layer whose output `entry` takes; undefined for an input. */
function inputOf(entry: Json, path: string): string | undefined {
  const { name } = entry.config as Json;
  const nodes = entry.inbound_nodes ?? [];
  if (!Array.isArray(nodes)) return refuseFile(path, `has a layer ${name} without a list of nodes`);
  if (nodes.length === 0) return undefined;
  if (nodes.length > 1) return notAChain(`layer ${name} is used ${nodes.length} times`);
  const [node] = nodes;
  const { sources, options } = isJson(node) ? ofKeras3(node) : ofKeras2(node);
  const given = Object.entries(options).find(([key, value]) => value !== null && value !== false && key !== 'training');
  if (given) return notAChain(`layer ${name} is called with ${given[0]}`);
  if (sources.length !== 1) return notAChain(`layer ${name} takes ${sources.length} tensors`);
  const [source] = sources;
  return typeof source === 'string' ? source : refuseFile(path, `does not say what layer ${name} takes`);
}

interface Node {
  readonly sources: readonly unknown[];
  readonly options: Json;
}

/** `{"args": [{"class_name": "__keras_tensor__", "config": {"keras_history": ["embedding", 0, 0]}}], "kwargs": {…}}` */
function ofKeras3({ args, kwargs }: Json): Node {
  const tensors = Array.isArray(args) ? args.flat() : [];
  const sources = tensors.map((tensor) => {
    const history = isJson(tensor) && isJson(tensor.config) ? tensor.config.keras_history : undefined;
    return Array.isArray(history) ? history[0] : undefined;
  });
  return { sources, options: isJson(kwargs) ? kwargs : {} };
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
