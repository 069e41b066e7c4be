/**
 * Holds every import against the walls of .dependency-cruiser.mjs. A cruiser that cannot read TypeScript sees
 * no file and finds no fault, so this counts: each source file must have been seen.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cruise } from 'dependency-cruiser';
import rules from '../.dependency-cruiser.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const folders = ['src', 'models', 'exporters', 'runtime', 'test', 'tools', 'examples', 'benchmarks'];

const sources = folders.flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.(ts|mjs)$/.test(file))
    .map((file) => `${folder}/${file}`),
);

const { output } = await cruise(folders, {
  ...rules.options,
  ruleSet: { forbidden: rules.forbidden ?? [] },
  validate: true,
  baseDir: root,
});
if (typeof output === 'string') throw new Error('dependency-cruiser reported text where an object was expected');

const seen = new Set(output.modules.map(({ source }) => source));
const unseen = sources.filter((file) => !seen.has(file));
const faults = [
  ...output.summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} → ${to}`),
  ...unseen.map((file) => `not seen: ${file}`),
];

for (const fault of faults) console.error(fault);
console.log(`walls: ${sources.length} files, ${faults.length} faults`);
if (faults.length > 0 || sources.length === 0) process.exitCode = 1;
