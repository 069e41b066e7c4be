/**
 * Adds to package-lock.json the platform packages that npm left out.
 *
 * A tool with native parts lists one optional package a platform. Where a registry does not carry one of
 * them, `npm install` leaves it out of the lockfile, and `npm ci` then refuses that lockfile everywhere.
 * An entry with version, system and processor is enough: npm looks only at those of the machine it runs on.
 *
 * Run after every `npm install` that changes the lockfile: node tools/complete-lockfile.mjs
 * With --check it changes nothing, and ends with status 1 if something is missing.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const path = fileURLToPath(new URL('../package-lock.json', import.meta.url));
const lockfile = JSON.parse(readFileSync(path, 'utf8'));
/** @type {Record<string, Record<string, any>>} */
const packages = lockfile.packages;

const platform = /(?<os>android|darwin|freebsd|linux|openharmony|win32)-(?<cpu>arm64|arm|ia32|ppc64|riscv64|s390x|x64)/;

/** Whether `name`, required by the package at `place`, is found there or in a folder above. @param {string} place @param {string} name */
function isLocked(place, name) {
  for (let folder = place; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('node_modules/') - 1))) {
    if (packages[`${folder === '' ? '' : `${folder}/`}node_modules/${name}`]) return true;
    if (folder === '') return false;
  }
}

/** @param {string} name @param {string} version @param {Record<string, any>} owner */
function platformEntry(name, version, owner) {
  const { os, cpu } = platform.exec(name)?.groups ?? {};
  if (os === undefined) throw new Error(`${name} is not named for a platform: add it to package-lock.json by hand`);
  const libc = os !== 'linux' ? undefined : name.includes('musl') ? ['musl'] : ['glibc'];
  return {
    version,
    cpu: [cpu],
    dev: owner.dev,
    libc,
    license: owner.license,
    optional: true,
    os: [os],
    engines: owner.engines,
  };
}

const missing = Object.entries(packages).flatMap(([place, owner]) =>
  Object.entries(owner.optionalDependencies ?? {})
    .filter(([name]) => !isLocked(place, name))
    .map(([name, version]) => ({ name, entry: platformEntry(name, version, owner) })),
);

if (process.argv.includes('--check')) {
  if (missing.length > 0) {
    console.error(
      `package-lock.json lacks ${missing.map(({ name }) => name).join(', ')}: run node tools/complete-lockfile.mjs`,
    );
    process.exitCode = 1;
  }
} else {
  for (const { name, entry } of missing) packages[`node_modules/${name}`] = entry;
  lockfile.packages = Object.fromEntries(Object.entries(packages).sort(([a], [b]) => a.localeCompare(b, 'en')));
  writeFileSync(path, `${JSON.stringify(lockfile, null, 2)}\n`);
  console.error(`package-lock.json: ${missing.length} platform packages added`);
}
