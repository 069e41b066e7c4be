/** Slips of somebody who is new: each ends in a hint with the next step. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { cli, cliJson, cliRefusal, quickly, terminalMissing, tickets, useCli } from './run-cli.ts';

const place = useCli();
const at = (...names: string[]) => join(place.folder, ...names);

beforeAll(async () => {
  await cli(['train', 'lstm', '--data', tickets, '--out', at('run'), ...quickly]);
});

describe('a run that was not exported yet', () => {
  it.each([['run/model.onnx'], ['run']])('predict %s names the command that exports it', async (name) => {
    const { code, hint } = await cliRefusal(['predict', at(name), 'a text'], 2);
    expect(code).toBe('FILE_NOT_FOUND');
    expect(hint).toMatch(/^Export the run first: .* export .*run --out .*run\/model\.onnx$/);
  });

  it('predict of a file that no run has to do with says just that', async () => {
    expect((await cliRefusal(['predict', at('nothing/model.onnx'), 'a text'], 2)).hint).toBe('Check the path.');
  });

  it('inspect takes its folder, as every other command does', async () => {
    const [ofFolder, ofFile] = [
      await cliJson(['inspect', at('run')]),
      await cliJson(['inspect', at('run/best.safetensors')]),
    ];
    expect({ ...ofFolder, file: ofFile?.file }).toEqual(ofFile);
  });

  it('once exported, predict of its folder names the file', async () => {
    await cli(['export', at('run'), '--out', at('run/model.onnx')]);
    expect((await cliRefusal(['predict', at('run'), 'a text'], 2)).hint).toBe(`Name ${at('run/model.onnx')}.`);
  });
});

it('line ends of a form, and spaces of a page, divide words', async () => {
  await cli(['export', at('run'), '--out', at('run/model.onnx')]);
  const texts = ['my card was charged', 'my card\r\nwas\u00a0charged'];
  const { predictions } = (await cliJson(['predict', at('run/model.onnx'), ...texts])) as { predictions: object[] };
  const [plain, typed] = predictions.map((prediction) => ({ ...prediction, text: '' }));
  expect(plain).toMatchObject({ words: 4, knownWords: 4 });
  expect(typed).toEqual(plain);
});

describe('a table that a spreadsheet wrote', () => {
  it.each([
    [';', 'semicolons'],
    ['\t', 'tabs'],
  ])('divided by %j: is read, and a remark says so', async (character, name) => {
    const rows = readFileSync(tickets, 'utf8').replaceAll(/,(\w+)$/gm, `${character}$1`);
    await writeFile(at('table.csv'), rows);
    const run = ['train', 'lstm', '--data', at('table.csv'), '--out', at('table'), '--overwrite', ...quickly];
    const { status, stdout } = await cli(run);
    expect(status).toBe(0);
    expect(stdout).toContain(`cells are divided by ${name}`);
    const { predictions } = await cliJson(['predict', at('run/model.onnx'), '--file', at('table.csv')]);
    expect(predictions).toHaveLength(120);
  });

  it('with other names of columns: the hint names the one that is meant', async () => {
    await writeFile(at('capitals.csv'), 'Text,Label\na text,a\nanother,b\n');
    const { hint } = await cliRefusal(['train', 'lstm', '--data', at('capitals.csv'), '--out', at('no')], 2);
    expect(hint).toBe('Is it "Text"? Name it with --text-column.');
    const predict = ['predict', at('run/model.onnx'), '--file', at('capitals.csv')];
    expect((await cliRefusal(predict, 2)).hint).toBe(hint);
  });
});

describe('setup gpu on a terminal', () => {
  if (terminalMissing) console.warn(`skipped: ${terminalMissing}`);
  const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

  it.skipIf(terminalMissing || process.arch !== 'x64').each([
    ['n and Enter', 'n\n'],
    ['Enter', '\n'],
    ['Ctrl-C', '\u0003'],
    ['Ctrl-D', '\u0004'],
  ])('asks, and %s means no', async (_, keys) => {
    const command = [process.execPath, main, 'setup', 'gpu'].join(' ');
    const env = { ...process.env, TERM: 'xterm', XDG_CACHE_HOME: at('cache') };
    const child = spawn('script', ['-qec', command, '/dev/null'], { env });
    let shown = '';
    let asked = false;
    child.stdout.on('data', (chunk: Buffer) => {
      shown += chunk;
      if (asked || !shown.includes('[y/N]')) return;
      asked = true;
      child.stdin.write(keys);
    });
    const status = await new Promise((resolve) => child.on('close', resolve));
    expect({ status, shown }).toEqual({ status: 130, shown: expect.stringContaining('Nothing was done.') });
  });
});
