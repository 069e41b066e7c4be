/** A trained text classifier of Keras, PyTorch or TensorFlow.js as a model of this package. */
import { open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fail } from '../../src/core/errors.ts';
import { fileError } from '../../src/core/files.ts';
import type { Architecture, ImportedModel, ImportFormat } from './imported.ts';
import { readKeras } from './keras/read-keras.ts';
import { checkImportOptions, type ImportOptions } from './options.ts';
import { readPytorch } from './pytorch/read-pytorch.ts';
import { settleText } from './settle-text.ts';
import { readTfjs } from './tfjs/read-tfjs.ts';

/**
 * Reads a model file of another framework: its layers as a spec, its weights, and with `options` how texts become ids.
 * Nothing is guessed: what the file does not say and `options` leave out is refused, or a default that is shown.
 *
 * @param path a `.keras` or `.h5` file of Keras, a `.safetensors` or `.pt` file of PyTorch, `model.json` of TensorFlow.js or its folder
 * @throws IMPORT_INVALID, IMPORT_AMBIGUOUS, LAYER_UNSUPPORTED, WEIGHTS_INVALID, OPTION_UNKNOWN, OPTION_INVALID,
 *   OPTION_UNSUPPORTED, DATA_INVALID, DATA_LABELS, PACKAGE_MISSING, FILE_NOT_FOUND, FILE_ACCESS
 */
export async function importModel(path: string, options: ImportOptions = {}): Promise<ImportedModel> {
  checkImportOptions(options);
  const file = await locate(path);
  const format = options.format ?? (await detect(file));
  const [forPytorch] = Object.entries(options.pytorch ?? {}).filter(([, value]) => value !== undefined);
  if (format !== 'pytorch' && forPytorch) {
    fail(
      'OPTION_UNSUPPORTED',
      `pytorch.${forPytorch[0]} does not go with a file of ${format}`,
      'Its layers stand in the file: leave it out.',
    );
  }
  const architecture = await readers[format](file, options);
  const { settings, ...text } = await settleText(architecture, options);
  const { spec, weights, producer, layers, remarks } = architecture;
  const named = options.name === undefined ? spec : { ...spec, name: options.name };
  return { model: { spec: named, weights, ...text }, format, producer, layers, settings, remarks };
}

const readers: Readonly<Record<ImportFormat, (path: string, options: ImportOptions) => Promise<Architecture>>> = {
  keras: readKeras,
  tfjs: readTfjs,
  pytorch: readPytorch,
};

/** A folder stands for the `model.json` in it. */
async function locate(path: string): Promise<string> {
  const entry = await stat(path).catch((error) => Promise.reject(fileError(error, path, 'read')));
  if (!entry.isDirectory()) return path;
  const file = join(path, 'model.json');
  const found = await stat(file).then(
    (inner) => inner.isFile(),
    () => false,
  );
  if (found) return file;
  const hint = "Name the file; of a SavedModel's folder, load it in Keras and save it as .keras.";
  return fail('IMPORT_INVALID', `${path} is a folder without model.json`, hint);
}

/** By the first bytes; of zip archives, by their first entry. */
async function detect(path: string): Promise<ImportFormat> {
  const head = Buffer.alloc(256);
  const file = await open(path).catch((error) => Promise.reject(fileError(error, path, 'read')));
  try {
    await file.read(head, 0, head.length, 0);
  } finally {
    await file.close();
  }
  const text = head.toString('latin1');
  if (text.startsWith('PK\x03\x04'))
    return /^[^/]+\/\.?(data|version|byteorder)/.test(text.slice(30)) ? 'pytorch' : 'keras';
  if (text.startsWith('\x89HDF\r\n\x1a\n')) return 'keras';
  if (/^.{4}\0{4}\{/s.test(text) || text.startsWith('\x80')) return 'pytorch';
  if (/^\s*\{/.test(text)) return 'tfjs';
  return fail(
    'IMPORT_INVALID',
    `${path} is of no known form`,
    'Known are .keras and .h5 of Keras, .safetensors and .pt of PyTorch, model.json of TensorFlow.js.',
  );
}
