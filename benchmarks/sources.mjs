/** Sources of this checkout that no entry of the package exports, for benchmarks that call them directly. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'tsdown';

/**
 * Bundles the files of `entry` into a folder that goes when the program ends.
 *
 * @param {Record<string, string>} entry paths by the names under which they are loaded
 * @param {string} root another checkout than this
 * @returns {Promise<{ folder: string, load: (name: string) => Promise<any> }>}
 */
export async function bundleSources(entry, root = fileURLToPath(new URL('..', import.meta.url))) {
  mkdirSync(join(root, '.cache'), { recursive: true }); // below the project, so that what is not bundled is found
  const folder = mkdtempSync(join(root, '.cache/sources-'));
  process.on('exit', () => rmSync(folder, { recursive: true }));
  await build({ cwd: root, config: false, entry, outDir: folder, platform: 'node', dts: false, logLevel: 'silent' });
  return { folder, load: (name) => import(pathToFileURL(join(folder, `${name}.mjs`)).href) };
}
