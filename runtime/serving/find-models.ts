/**
 * Where models lie, as in Triton's model repository:
 *
 *     repository/<name>/<version>/model.onnx      several models, several versions each
 *     repository/<name>.onnx                      one version
 *     <name>.onnx                                 a single file
 */
import type { Dirent } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fail } from '../../src/core/errors.ts';
import { fileError } from '../../src/core/files.ts';
import type { ModelFile } from './served-model.ts';

/** Of models and their files: what a URL can carry as it stands. */
const modelName = /^\w[\w.-]{0,127}$/;
const versionName = /^[1-9]\d{0,8}$/;

/**
 * @param name of a single file's model. Default: that of the file
 * @throws FILE_NOT_FOUND, FILE_ACCESS, OPTION_INVALID
 */
export async function findModels(source: string, name?: string): Promise<ModelFile[]> {
  const entry = await stat(source).catch((error) => {
    throw fileError(error, source, 'read');
  });
  if (!entry.isDirectory()) return [{ name: checkName(name ?? nameOf(basename(source))), version: 1, path: source }];
  if (name !== undefined) fail('OPTION_INVALID', `${source} is a folder`, 'A name is given to a single file only.');
  const files = await findInFolder(source);
  const taken = new Set<string>();
  for (const file of files) {
    const key = `${file.name}/${file.version}`;
    if (taken.has(key)) {
      fail('OPTION_INVALID', `${source} has model ${file.name}, version ${file.version}, twice`, 'Rename one of them.');
    }
    taken.add(key);
  }
  if (files.length > 0) return files;
  return fail(
    'FILE_NOT_FOUND',
    `${source} holds no model`,
    'It is to hold <name>/<version>/model.onnx or <name>.onnx; `recurrent export` writes such files.',
  );
}

async function findInFolder(folder: string): Promise<ModelFile[]> {
  const found: ModelFile[] = [];
  for (const entry of await entriesOf(folder)) {
    const path = join(folder, entry.name);
    if (entry.name.startsWith('.')) continue;
    if (entry.isDirectory()) found.push(...(await findVersions(path, entry.name)));
    else if (entry.name.endsWith('.onnx')) found.push({ name: checkName(nameOf(entry.name)), version: 1, path });
  }
  return found;
}

async function findVersions(folder: string, name: string): Promise<ModelFile[]> {
  const entries = await entriesOf(folder).catch((error) => {
    if (modelName.test(name)) throw error;
    return []; // nobody's model: `lost+found` of a volume is for root alone
  });
  const versions = entries.filter((entry) => entry.isDirectory() && versionName.test(entry.name));
  const files = await Promise.all(
    versions.map(async ({ name: version }) => {
      const inside = await entriesOf(join(folder, version));
      return inside.some((entry) => entry.name === 'model.onnx')
        ? [{ name: checkName(name), version: Number(version), path: join(folder, version, 'model.onnx') }]
        : [];
    }),
  );
  return files.flat().toSorted((a, b) => a.version - b.version);
}

/** Sorted; a symbolic link counts as what it leads to. */
async function entriesOf(folder: string): Promise<Pick<Dirent, 'name' | 'isDirectory'>[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error) => {
    throw fileError(error, folder, 'read');
  });
  const followed = entries.map(async (entry) => {
    if (!entry.isSymbolicLink()) return entry;
    const target = await stat(join(folder, entry.name)).catch(() => undefined);
    return { name: entry.name, isDirectory: () => target?.isDirectory() ?? false };
  });
  return (await Promise.all(followed)).toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

function nameOf(file: string): string {
  return file.replace(/\.onnx$/, '');
}

function checkName(name: string): string {
  if (modelName.test(name)) return name;
  return fail('OPTION_INVALID', `a model cannot be called ${JSON.stringify(name)}`, 'Use letters, digits, _ . and -.');
}
