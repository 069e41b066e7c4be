/**
 * Builds dist/, or does nothing when its sources have not changed since the last build. Silent either way:
 * `npm start` and `npm test` run it first (install scripts and pre- hooks are switched off in .npmrc), and
 * their standard output belongs to the program.
 *
 * A stamp inside dist/ holds the digest of everything the build reads. The new folder takes the old one's
 * place only when it is complete, so a failed build leaves the old one as it was.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');
const inputs = [
  'src',
  'models',
  'exporters',
  'runtime',
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'tsdown.config.ts',
  'tools/build.mjs',
];

/** @param {string} path @returns {string[]} the files at or below `path`, in a fixed order */
function filesAt(path) {
  if (/\.\w+$/.test(path)) return [path];
  return readdirSync(join(root, path), { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => (entry.isDirectory() ? filesAt(`${path}/${entry.name}`) : [`${path}/${entry.name}`]));
}

function digestOfInputs() {
  const digest = createHash('sha256');
  for (const file of inputs.flatMap(filesAt)) {
    const contents = readFileSync(join(root, file));
    digest.update(`\n${file} ${contents.length}\n`).update(contents);
  }
  return digest.digest('hex');
}

/** @param {string} folder */
function stampOf(folder) {
  const stamp = join(folder, '.stamp');
  return existsSync(stamp) ? readFileSync(stamp, 'utf8') : undefined;
}

const digest = digestOfInputs();
if (stampOf(dist) !== digest) {
  const fresh = join(root, `.dist-${process.pid}`);
  try {
    const { build } = await import('tsdown');
    await build({ cwd: root, outDir: fresh, logLevel: 'warn' });
    writeFileSync(join(fresh, '.stamp'), digest);
    // Two commands started together both build; what came second is the same, and thrown away.
    if (stampOf(dist) !== digest) {
      rmSync(dist, { recursive: true, force: true });
      renameSync(fresh, dist);
    }
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}
