import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cli, type Refusal, useCli } from './run-cli.ts';

const place = useCli();
const parts = ['training', 'curves', 'epoch'];

describe('help', () => {
  it.each(parts)('of bench %s has examples and options, each of which docs/cli.md describes', async (part) => {
    const { status, stdout, stderr } = await cli(['bench', part, '--help']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain(`Usage: recurrent bench ${part} [options]`);
    expect(stdout).toMatch(new RegExp(`^Examples:\n  \\$ .*recurrent bench ${part}`, 'm'));
    const handbook = readFileSync(new URL('../../docs/cli.md', import.meta.url), 'utf8').split(/^## /m);
    const own = handbook.find((section) => section.startsWith(`\`bench ${part}`)) ?? '';
    const shared = handbook.find((section) => section.startsWith('Common options')) ?? '';
    for (const [, option] of stdout.matchAll(/^ {2}(?:-\w, )?(--[a-z-]+)/gm))
      expect(own + shared).toContain(`\`${option}`);
  });

  it('of bench lists them', async () => {
    const { status, stdout } = await cli(['bench', '--help']);
    expect(status).toBe(0);
    for (const part of parts) expect(stdout).toMatch(new RegExp(`^ {2}${part} `, 'm'));
  });
});

describe("a user's mistake", () => {
  it.each<readonly [readonly string[], string, RegExp]>([
    [['bench', 'trainin'], 'OPTION_UNKNOWN', /recurrent bench has no command 'trainin'.*Did you mean training/],
    [['bench', 'training', '--shapes', 'A,large'], 'OPTION_INVALID', /--shapes.*"large".*A, B, C, spam, chapter/],
    [['bench', 'training', '--layers', 'lsmt'], 'OPTION_INVALID', /Did you mean lstm/],
    [['bench', 'training', '--contenders', 'wasm,pytorhc'], 'OPTION_INVALID', /Did you mean pytorch/],
    [['bench', 'training', '--threads', '1,0'], 'OPTION_INVALID', /from 1 to 1024/],
    [['bench', 'training', '--seconds', '0'], 'OPTION_INVALID', /above 0/],
    [
      ['bench', 'training', '--over', 'units'],
      'OPTION_UNSUPPORTED',
      /bench training does not take --over.*bench curves/,
    ],
    [['bench', 'training', '--shapes', 'spam', '--ids', 'uniform'], 'OPTION_INVALID', /none of these shapes/],
    [['bench', 'curves', '--over', 'depth'], 'OPTION_INVALID', /time, rows, units, vocabulary/],
    [['bench', 'epoch', '--epochs', '0'], 'OPTION_INVALID', /--epochs.*from 1/],
  ])('%j is %s', async (args, code, says) => {
    const { status, stdout, stderr } = await cli([...args, '--json'], { cwd: place.folder });
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    const { error } = JSON.parse(stderr) as { readonly error: Refusal };
    expect(`${error.message} ${error.hint}`).toMatch(says);
    expect(error.code).toBe(code);
  });
});

it('prints one object of the machine and the rows, and says who is absent on standard error', async () => {
  const args = ['--shapes', 'A', '--layers', 'simpleRnn', '--ids', 'uniform', '--seconds', '0.05', '--threads', '1'];
  const outcome = await cli(
    ['bench', 'training', '--json', '--quiet', ...args, '--contenders', 'wasm,js,pytorch', '--svg', 'chart.svg'],
    { cwd: place.folder, env: { RECURRENT_PYTHON: 'no-python-here' } },
  );
  expect(outcome.status).toBe(0);
  expect(outcome.stderr).toMatch(/^not timed: pytorch with 1 thread: no-python-here: .*Run pip install/m);
  const result = JSON.parse(outcome.stdout) as { readonly rows: readonly Record<string, unknown>[] };
  expect(Object.keys(result)).toEqual(['machine', 'rows']);
  expect(result.rows.map(({ contender }) => contender)).toEqual(['wasm', 'js']);
  for (const row of result.rows) {
    expect(row).toEqual({
      ...{ shape: 'A', layer: 'simpleRnn', ids: 'uniform', threads: 1 },
      contender: expect.any(String),
      ...{ medianMs: expect.any(Number), p10Ms: expect.any(Number), p90Ms: expect.any(Number) },
      maxError: expect.any(Number),
    });
  }
  expect(existsSync(join(place.folder, 'chart.svg'))).toBe(true);
});
