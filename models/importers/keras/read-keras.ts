/**
 * A `.keras` file (a zip archive: `config.json`, `metadata.json`, `model.weights.h5` and, of a vocabulary, `assets/`), or a
 * legacy `.h5` of Keras 2 or 3. Keras' saving_lib.py and legacy_h5_format.py say what stands where.
 */
import { readFileWhole } from '../../../src/core/files.ts';
import type { Tensor } from '../../weights.ts';
import type { Architecture } from '../imported.ts';
import { isJson, parseJson, refuseFile } from '../json.ts';
import { readZip } from '../zip.ts';
import { readChain } from './chain.ts';
import { type Described, describeChain, gatherWeights } from './describe.ts';
import { type Hdf5, openHdf5 } from './hdf5.ts';
import type { Dialect } from './layers.ts';
import { placeOf, type StoredPlaces, storedPlaces } from './weight-names.ts';

/** @throws IMPORT_INVALID, LAYER_UNSUPPORTED, WEIGHTS_INVALID, FILE_NOT_FOUND, FILE_ACCESS */
export async function readKeras(path: string): Promise<Architecture> {
  const bytes = await readFileWhole(path);
  return bytes[0] === 0x50 ? readArchive(bytes, path) : readLegacy(await openHdf5(bytes, path), path);
}

const vocabularies = /^assets\/layers\/[^/]+\/vocabulary\.txt$/;

async function readArchive(bytes: Uint8Array, path: string): Promise<Architecture> {
  const entries = await readZip(
    bytes,
    path,
    (name) => /^(config\.json|metadata\.json|model\.weights\.(h5|json|npz))$/.test(name) || vocabularies.test(name),
  );
  const entry = (name: string) => entries.get(name) ?? refuseFile(path, `has no ${name} in it`);
  const metadata = parseJson(entry('metadata.json'), `${path}/metadata.json`);
  const config = parseJson(entry('config.json'), `${path}/config.json`);
  const version = isJson(metadata) ? String(metadata.keras_version) : 'of an unknown version';
  if (!entries.has('model.weights.h5') && entries.size > 2) {
    return refuseFile(path, 'keeps its weights in several files: save it without sharding');
  }
  const chain = readChain(config, path);
  const described = describeChain(chain, dialectOf(version));
  const weights = await openHdf5(entry('model.weights.h5'), `${path}/model.weights.h5`);
  const found = new Map<string, Tensor>();
  const places: StoredPlaces = storedPlaces(chain.layers);
  for (const name of weights.datasets('layers')) {
    if (/(^|\/)seed_generator\//.test(name)) continue; // the state of dropout
    const place = places(name, (group) => weights.attribute(`layers/${group}`, 'name')) ?? refuseStored(path, name);
    found.set(place, weights.tensor(`layers/${name}`));
  }
  const texts = [...entries].flatMap(([name, contents]) => (vocabularies.test(name) ? [contents] : []));
  return architectureOf(described, found, version, path, texts[0]);
}

function refuseStored(path: string, name: string): never {
  return refuseFile(path, `has a weight layers/${name} that belongs to no layer`);
}

function readLegacy(file: Hdf5, path: string): Architecture {
  const config = file.attribute('', 'model_config');
  if (typeof config !== 'string') {
    return refuseFile(path, 'holds weights alone: save the whole model with model.save, not model.save_weights');
  }
  const chain = readChain(parseJson(new TextEncoder().encode(config), path), path);
  const version = String(file.attribute('', 'keras_version') ?? file.attribute('model_weights', 'keras_version'));
  const described = describeChain(chain, dialectOf(version));
  const found = new Map<string, Tensor>();
  for (const group of namesIn(file.attribute('model_weights', 'layer_names'))) {
    for (const name of namesIn(file.attribute(`model_weights/${group}`, 'weight_names'))) {
      if (/seed_generator/.test(name)) continue; // the state of dropout
      const place = placeOf([group, ...name.split('/')], chain.layers) ?? refuseStored(path, name);
      if (found.has(place)) return refuseFile(path, `has two weights for ${place}`);
      found.set(place, file.tensor(`model_weights/${group}/${name}`));
    }
  }
  return architectureOf(described, found, version, path);
}

function namesIn(list: unknown): string[] {
  return Array.isArray(list) ? list.filter((name) => typeof name === 'string') : [];
}

function architectureOf(
  described: Described,
  found: ReadonlyMap<string, Tensor>,
  version: string,
  path: string,
  vocabulary?: Uint8Array,
): Architecture {
  const { spec, layers, remarks, text } = described;
  return {
    ...{ producer: `Keras ${version}`, spec, layers, remarks },
    weights: gatherWeights(described, found, path),
    text: text(vocabulary),
  };
}

function dialectOf(version: string): Dialect {
  return { hardSigmoid: /^[12]\./.test(version) ? 'hardSigmoidLegacy' : 'hardSigmoid', masksAveragePooling: true };
}
