/** Slips of somebody who is new: each ends in a hint with the next step. */
import { spawn } from 'node:child_process';
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

describe('a table that a spreadsheet wrote', () => {
  it.each([
    [';', 'semicolons'],
    ['\t', 'tabs'],
  ])('divided by %j: says so', async (character, name) => {
    await writeFile(at('table.csv'), ['text', 'label\na text', 'a\nanother', 'b\n'].join(character));
    const { code, hint } = await cliRefusal(['train', 'lstm', '--data', at('table.csv'), '--out', at('no')], 2);
    expect(code).toBe('DATA_NOT_FOUND');
    expect(hint).toContain(`divided by ${name}`);
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
