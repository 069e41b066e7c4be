import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { writeReviews } from '../support/reviews.ts';
import { cli, cliJson, cliRefusal, outcomeOf, startCli, useCli } from './run-cli.ts';

const place = useCli();
const surroundings = () => ({
  env: { XDG_CACHE_HOME: join(place.folder, 'cache'), RECURRENT_IMDB: join(place.folder, 'reviews') },
});
const small = ['--models', 'lstm,simple-rnn-onehot', '--seeds', '2', '--epochs', '2'];
const outOf = (name: string) => join(place.folder, name);

beforeAll(() => writeReviews(join(place.folder, 'reviews')));

interface Results {
  readonly runs: readonly { model: string; seed: number; history: unknown[]; parity: { flips: number } }[];
  readonly keptRuns: number;
  readonly files: readonly string[];
}

describe('recurrent chapter', () => {
  it('gives one object of all runs, and files that say the same; a second call keeps the runs', async () => {
    const args = ['chapter', ...small, '--out', outOf('whole')];
    const results = (await cliJson(args, surroundings())) as unknown as Results;
    // In the order of the chapter, whatever the order that they were named in.
    expect(results.runs.map(({ model, seed }) => [model, seed])).toEqual([
      ['simple-rnn-onehot', 0],
      ['simple-rnn-onehot', 1],
      ['lstm', 0],
      ['lstm', 1],
    ]);
    expect(results.runs.every(({ history, parity }) => history.length === 2 && parity.flips === 0)).toBe(true);
    expect(results.files).toEqual(
      ['report.html', 'results.json', 'runs.csv', 'epochs.csv', 'models.csv', 'parity.csv', 'lengths.csv'].map((name) =>
        join(outOf('whole'), name),
      ),
    );
    const { files, ...figures } = results;
    expect(JSON.parse(readFileSync(files[1] ?? '', 'utf8'))).toEqual(figures);
    expect(readFileSync(files[0] ?? '', 'utf8')).toMatch(/^<!doctype html>.*<\/html>\n$/s);

    const again = (await cliJson(args, surroundings())) as unknown as Results;
    expect(again.keptRuns).toBe(4);
    expect(again.runs).toEqual(results.runs);
  });

  it('says a line a run in a pipe, without escape codes, and with --quiet the result only', async () => {
    const args = ['chapter', '--models', 'lstm', '--quick', '--epochs', '1', '--out', outOf('plain')];
    const { status, stdout, stderr } = await cli(args, surroundings());
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/^1\/1 lstm, seed 0: 1 epoch, best 1; val loss 0\.\d{4}, .*0 flips/m);
    expect(stdout).not.toContain('\u001b');
    const quiet = await cli([...args, '--quiet'], surroundings());
    expect(quiet.stdout).toMatch(/^model +parameters/);
  });

  it('Ctrl-C keeps the runs that are done and says how to go on, which works', async () => {
    const out = outOf('stopped');
    const args = ['chapter', '--models', 'lstm', '--seeds', '400', '--epochs', '1', '--out', out];
    const child = startCli([...args, '--json'], surroundings());
    child.stdin.end();
    const outcome = outcomeOf(child);
    let seen = '';
    child.stderr.on('data', (chunk: Buffer) => {
      seen += chunk;
      if (!child.killed && seen.includes('2/400 lstm')) child.kill('SIGINT');
    });
    const { status, stdout, stderr } = await outcome;
    expect({ status, stdout }).toEqual({ status: 130, stdout: '' });
    const { error } = JSON.parse(stderr.trimEnd().split('\n').at(-1) ?? '');
    expect(error).toMatchObject({ code: 'INTERRUPTED', message: expect.stringContaining(out) });
    expect(error.hint).toMatch(/^Go on with: .*chapter --models lstm --out \S+ --seeds 400 --epochs 1$/);
    expect(existsSync(join(out, 'report.html'))).toBe(false);
    const results = (await cliJson(
      ['chapter', '--models', 'lstm', '--seeds', '2', '--epochs', '1', '--out', out],
      surroundings(),
    )) as unknown as Results;
    expect(results.keptRuns).toBe(2);
  });

  it.each([
    ['a model that is none of the chapter', ['--models', 'spam-lstm'], 'OPTION_INVALID'],
    ['no seed', ['--seeds', '0'], 'OPTION_INVALID'],
    ['seeds with --quick', ['--quick', '--seeds', '3'], 'OPTION_INVALID'],
    ['other data', ['--data', 'spam'], 'OPTION_UNSUPPORTED'],
    ['reviews that are not there', ['--imdb-path', 'nowhere'], 'DATA_NOT_FOUND'],
  ])('refuses %s', async (_, args, code) => {
    expect(await cliRefusal(['chapter', ...args], 2, surroundings())).toMatchObject({ code });
  });
});
