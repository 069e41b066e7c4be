/**
 * Keeps out of the repository what holds on one machine only: paths of somebody's disk, and hosts of package
 * registries (the lockfile names packages by version and digest, so that any registry serves them).
 */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const notOurs = /^(node_modules|dist|\.dist-\d+|runs|coverage|\.git|\.cache)$/;

const faults = [
  {
    what: 'a path of one machine',
    pattern: /(?:(?<![\w.@}/-])|file:\/\/)\/(?:work|root|tmp|home\/\w+|Users\/\w+)\/[\w.]+/,
  },
  {
    what: 'the host of a registry',
    pattern: /https?:\/\/[^\s/"']*(?:registry|artifactory|nexus|verdaccio|mirror|proxy)/i,
  },
  { what: 'the host of a private network', pattern: /https?:\/\/[^\s/"']*\.(?:internal|corp|lan|local)\b/i },
  { what: 'the place a package was fetched from', pattern: /^\s*"resolved":/ },
];

/** @param {string} folder @returns {string[]} */
function filesIn(folder) {
  return readdirSync(`${root}/${folder}`, { withFileTypes: true })
    .filter((entry) => !notOurs.test(entry.name))
    .flatMap((entry) => (entry.isDirectory() ? filesIn(`${folder}${entry.name}/`) : [`${folder}${entry.name}`]));
}

const files = filesIn('');
const found = files.flatMap((file) =>
  readFileSync(`${root}/${file}`, 'utf8')
    .split('\n')
    .flatMap((line, index) =>
      faults.flatMap(({ what, pattern }) => (pattern.test(line) ? [`${file}:${index + 1}: ${what}`] : [])),
    ),
);

for (const fault of found) console.error(fault);
console.log(`repository: ${files.length} files, ${found.length} faults`);
if (found.length > 0) process.exitCode = 1;
