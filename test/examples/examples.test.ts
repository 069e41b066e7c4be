/** Every program under examples/ runs to its end and prints what it says. */
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));

const says: Readonly<Record<string, RegExp>> = {
  'compare-layers.mjs': /^simpleRnn: \d+ parameters, \d+ % of 24 texts\nlstm: .*\ngru: .*\n$/,
  'own-texts.mjs': /^\d+ epochs; the best is \d+\nwhere is the window: question .*\nbring me the light: request .*\n$/,
  'prove.mjs': /^20 texts, 0 flips, largest error \d\.\de-\d+\n$/,
};

let folder: string;
beforeAll(async () => {
  await run(process.execPath, ['tools/build.mjs'], { cwd: root });
  folder = await mkdtemp(join(tmpdir(), 'recurrent-examples-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('examples', () => {
  const programs = readdirSync(join(root, 'examples')).filter((name) => name.endsWith('.mjs'));

  it('are all known here and in their README', () => {
    expect(programs.toSorted()).toEqual(Object.keys(says));
    const readme = readFileSync(join(root, 'examples/README.md'), 'utf8');
    for (const program of programs) expect(readme).toContain(`examples/${program}`);
  });

  it.each(programs)('%s runs', async (program) => {
    const { stdout, stderr } = await run(process.execPath, [join(root, 'examples', program)], { cwd: folder });
    expect(stderr).toBe('');
    expect(stdout).toMatch(says[program] as RegExp);
    expect(readdirSync(folder)).toEqual([]);
  });
});
