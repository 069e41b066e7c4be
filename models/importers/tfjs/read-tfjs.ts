/**
 * A layers model of TensorFlow.js: `model.json` with the layers and a manifest of weights, and the files ("shards") that the
 * manifest names. https://www.tensorflow.org/js/guide/save_load
 */
import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fail } from '../../../src/core/errors.ts';
import { fileError, readFileWhole } from '../../../src/core/files.ts';
import type { Tensor } from '../../weights.ts';
import type { Architecture } from '../imported.ts';
import { isJson, type Json, parseJson, refuseFile } from '../json.ts';
import { readChain } from '../keras/chain.ts';
import type { KerasLayer } from '../keras/config.ts';
import { describeChain, gatherWeights } from '../keras/describe.ts';
import type { Dialect } from '../keras/layers.ts';
import { placeOf } from '../keras/weight-names.ts';
import { type Entry, readGroup } from './weights.ts';

/** @param path of `model.json` @throws IMPORT_INVALID, LAYER_UNSUPPORTED, WEIGHTS_INVALID, FILE_NOT_FOUND, FILE_ACCESS */
export async function readTfjs(path: string): Promise<Architecture> {
  const json = parseJson(await readFileWhole(path), path);
  if (!isJson(json)) return refuseFile(path, 'is no model.json of TensorFlow.js');
  const { modelTopology: topology, weightsManifest: manifest, format } = json;
  if (format === 'graph-model') {
    fail(
      'IMPORT_INVALID',
      `${path} is a graph model: a traced graph has no layers`,
      'Convert with --output_format tfjs_layers_model, or import the Keras file that it was made of.',
    );
  }
  if (!isJson(topology)) return refuseFile(path, 'has no modelTopology');
  if (!Array.isArray(manifest)) return refuseFile(path, 'has no weightsManifest');
  const model = isJson(topology.model_config) ? topology.model_config : topology;
  const version = String(topology.keras_version ?? 'of an unknown version');
  const described = describeChain(readChain(model, path), dialectOf(version));
  const { tensors, quantised } = await readManifest(manifest, path);
  const weights = gatherWeights(described, byPlace(tensors, described.sources, path), path);
  const remarks = quantised.length
    ? [
        ...described.remarks,
        `weights were quantised to ${quantised.join(', ')}: they are what TensorFlow.js makes of them`,
      ]
    : described.remarks;
  return {
    ...{ producer: producerOf(json, version), spec: described.spec, weights, layers: described.layers, remarks },
    text: described.text(),
  };
}

/** TensorFlow.js computes `hard_sigmoid` as Keras 2 did, and pools masked steps along with the others. */
function dialectOf(version: string): Dialect {
  return { hardSigmoid: version.startsWith('3') ? undefined : 'hardSigmoidLegacy', masksAveragePooling: false };
}

function producerOf({ generatedBy, convertedBy }: Json, version: string): string {
  if (typeof convertedBy === 'string') return `Keras ${version}, ${convertedBy}`;
  return typeof generatedBy === 'string' ? generatedBy : version;
}

interface Manifest {
  readonly tensors: ReadonlyMap<string, Tensor>;
  /** Types of the quantised ones. */
  readonly quantised: readonly string[];
}

async function readManifest(groups: readonly unknown[], path: string): Promise<Manifest> {
  const tensors = new Map<string, Tensor>();
  const quantised = new Set<string>();
  for (const group of groups) {
    const { paths, weights } = isJson(group) ? group : {};
    if (!Array.isArray(paths) || !Array.isArray(weights))
      return refuseFile(path, 'has a group of weights without paths or weights');
    const shards = await readShards(paths, path);
    for (const { name, tensor, type } of readGroup(weights as Entry[], shards, path)) {
      if (tensors.has(name)) return refuseFile(path, `has two weights called ${name}`);
      tensors.set(name, tensor);
      if (type !== 'float32') quantised.add(type);
    }
  }
  return { tensors, quantised: [...quantised] };
}

/** The files of one group as one: a weight may begin in one and end in the next. */
async function readShards(names: readonly unknown[], path: string): Promise<Uint8Array> {
  const folder = dirname(path);
  const there = new Set(await readdir(folder).catch((error) => Promise.reject(fileError(error, folder, 'read'))));
  const shards: Uint8Array[] = [];
  if (new Set(names).size < names.length) return refuseFile(path, 'names one file of weights twice');
  for (const entry of names) {
    const name = typeof entry === 'string' ? entry.replace(/^\.\//, '') : ''; // browsers save `./model.weights.bin`
    // neither a path out of the folder nor a name of the system: only what lies beside model.json
    if (name === '' || /[/\\\0]/.test(name) || name === '.' || name === '..') {
      return refuseFile(path, `names weights ${JSON.stringify(entry)}, which is no file beside it`);
    }
    if (!there.has(name)) {
      fail('FILE_NOT_FOUND', `${join(folder, name)} does not exist: ${path} names it`, 'Copy all files of the model.');
    }
    shards.push(await readFileWhole(join(folder, name)));
  }
  return Buffer.concat(shards);
}

function byPlace(
  tensors: ReadonlyMap<string, Tensor>,
  layers: readonly KerasLayer[],
  path: string,
): Map<string, Tensor> {
  const found = new Map<string, Tensor>();
  for (const [name, tensor] of tensors) {
    const place = placeOf(name.split('/'), layers) ?? refuseFile(path, `has a weight ${name} that belongs to no layer`);
    if (found.has(place)) refuseFile(path, `has two weights for ${place}`);
    found.set(place, tensor);
  }
  return found;
}
