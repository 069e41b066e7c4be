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
  'embed.mjs': /^.* \(5 words\)\n.* \(4 words\)\n.* \(1 words\)\n.*: most by "\w+"\nINTERRUPTED false\n$/,
  'id-to-vector.mjs': /^ids: .*\nrow (\d+): (.*)\none-hot × matrix: \2\nbefore training: (?!\2).*\nids 7\.6 MiB, .*\n$/,
  'imdb.mjs':
    /^40 reviews: bad, good\n[\s\S]*\nepoch \d+: .*\nheld out: \d+\.\d\d % of 8, .*\nwonderful.*: good .*\nawful.*: bad .*\n$/,
  'own-texts.mjs': /^\d+ epochs; the best is \d+\nwhere is the window: question .*\nbring me the light: request .*\n$/,
  'padding.mjs':
    /^not masked\n {2}\[0 .*\n {2}\[.* 0\]: .*\n {2}not equal\nmasked\n {2}\[0 .*\n {2}\[.* 0\]: .*\n {2}equal to the last bit\n$/,
  'prove.mjs': /^20 texts, 0 flips, largest error \d\.\de-\d+\n$/,
  'pytorch-form.mjs': /^lstm: .*bias \[2, 32\]\nlstm_1: .*bias \[2, 32\]\n\d+ parameters, 5 epochs\n$/,
  'quiz.mjs':
    /: 24 parameters: .*\nW_h of 10 units: \[10, 10\]\n.*: 432 parameters: .*\n.*\nLSTM.*: 800 .*\nGRU.*: 624 .*\n$/,
  'several-classes.mjs': /^billing: .*\ndelivery: .*\ntechnical: .*\n(billing|delivery|technical): \{[\s\S]*\}\n$/,
  'stacked.mjs':
    /lstm \(LSTM\) +\(None, 100, 8\)[\s\S]*9,353[\s\S]*\nwithout returnSequences: .*\n5 epochs; .* 2 LSTM nodes\n$/,
  'tfjs.mjs':
    /^loss 0\.\d+ → 0\.0\d+\nsaved as LSTM, loaded: predictions differ by 0\na step: [\d.]+ ms; .* cpu backend: \d+ ms\n$/,
  'two-losses.mjs': /\n +20 .*Infinity .*NaN .*\nlargest difference of \d+ weights after 5 epochs: 0\n$/,
};

/** Whether the reviews of IMDB are on this machine or not: the examples are tested with what comes with them. */
function withoutReviews(): NodeJS.ProcessEnv {
  const { RECURRENT_IMDB: _, ...env } = process.env;
  return { ...env, XDG_CACHE_HOME: cache };
}

let folder: string;
let cache: string;
beforeAll(async () => {
  await run(process.execPath, ['tools/build.mjs'], { cwd: root });
  folder = await mkdtemp(join(tmpdir(), 'recurrent-examples-'));
  cache = await mkdtemp(join(tmpdir(), 'recurrent-examples-cache-'));
});
afterAll(() => Promise.all([folder, cache].map((path) => rm(path, { recursive: true, force: true }))));

describe('examples', () => {
  const programs = readdirSync(join(root, 'examples')).filter((name) => name.endsWith('.mjs'));

  it('are all known here and in their README', () => {
    expect(programs.toSorted()).toEqual(Object.keys(says));
    const readme = readFileSync(join(root, 'examples/README.md'), 'utf8');
    for (const program of programs) expect(readme).toContain(`examples/${program}`);
  });

  it.each(programs)('%s runs', async (program) => {
    const { stdout, stderr } = await run(process.execPath, [join(root, 'examples', program)], {
      cwd: folder,
      env: withoutReviews(),
    });
    expect(stderr).toBe('');
    expect(stdout).toMatch(says[program] as RegExp);
    expect(readdirSync(folder)).toEqual([]);
  });
});
