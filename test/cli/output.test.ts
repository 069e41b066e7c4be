/** Where output goes: pipes, terminals, `--json`, `--quiet`, readers that leave early. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { cli, onTerminal, outcomeOf, quickly, startCli, terminalMissing, tickets, useCli } from './run-cli.ts';

const place = useCli();
const at = (name: string) => join(place.folder, name);
const demo = (name: string) => ['demo', 'lstm', '--data', tickets, '--out', at(name), ...quickly];

/** Neither escape codes nor lines that are written over. */
const plain = (text: string) => !text.includes('\u001b') && !text.includes('\r');

beforeAll(async () => {
  await cli(demo('run'));
});

describe('in a pipe', () => {
  it('nothing but plain lines is printed, one an epoch', async () => {
    const { status, stdout, stderr } = await cli(demo('piped'));
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(plain(stdout)).toBe(true);
    expect(stdout.match(/^Epoch \d\/2 {2}loss \d\.\d{4} .*$/gm)).toHaveLength(2);
    expect(stdout).toMatch(/^accuracy +\d+\.\d\d %/m);
    expect(stdout).toMatch(/^label flips +0$/m);
  });

  it('--engine fastest shows what each engine took, and why another was not tried', async () => {
    const { status, stdout } = await cli([...demo('fastest'), '--engine', 'fastest', '--threads', '1']);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^engine .* ms a step measured; .*\n {2}\S.* 1\.0 ×\n {2}\S.* ms +[\d.]+ ×\n/m);
    expect(stdout).toMatch(
      /^ {2}onnxruntime-cuda(, 1 thread +[\d.]+ ms| +– {2}execution provider cuda is not available: )/m,
    );
  });

  it('errors have no colours', async () => {
    expect((await cli(['nonsense'])).stderr).not.toContain('\u001b');
  });

  it('colours can be asked for, and NO_COLOR wins', async () => {
    expect((await cli(['nonsense'], { env: { FORCE_COLOR: '1' } })).stderr).toContain('\u001b[31merror');
    expect((await cli(['nonsense'], { env: { FORCE_COLOR: '1', NO_COLOR: '1' } })).stderr).not.toContain('\u001b');
  });

  it('a reader that leaves early ends predict quietly', async () => {
    const lines = 'a text with some words in it\n'.repeat(20_000);
    await writeFile(at('many.txt'), lines);
    const child = startCli(['predict', at('run/model.onnx'), '--file', at('many.txt')]);
    child.stdin.end();
    child.stdout.once('data', () => child.stdout.destroy());
    const { status, stderr } = await outcomeOf(child);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });
});

describe('work whose output nobody takes', () => {
  it('is done all the same', async () => {
    const child = startCli(demo('unheard'));
    child.stdin.end();
    child.stdout.once('data', () => child.stdout.destroy());
    const { status, stderr } = await outcomeOf(child);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(existsSync(at('unheard/model.onnx'))).toBe(true);
  });

  it.skipIf(!existsSync('/dev/full'))('but a full disk is said', async () => {
    const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
    const child = spawn('sh', ['-c', `'${process.execPath}' '${main}' models > /dev/full`]);
    const { status, stderr } = await outcomeOf(child);
    expect(status).toBe(1);
    expect(stderr).toMatch(/^error FILE_ACCESS cannot write standard output: ENOSPC.*\nhint {2}The disk is full/);
  });
});

describe('--json', () => {
  it('puts one object on standard output and remarks on standard error', async () => {
    const { stdout, stderr } = await cli([...demo('json'), '--json']);
    expect(Object.keys(JSON.parse(stdout))).toContain('accuracy');
    expect(stderr).toMatch(/^Epoch 1\/2/m);
    expect(plain(stdout) && plain(stderr)).toBe(true);
  });

  it('with --quiet leaves standard error empty', async () => {
    const { stdout, stderr } = await cli([...demo('quiet'), '--json', '--quiet']);
    expect(stderr).toBe('');
    expect(Object.keys(JSON.parse(stdout))).toContain('accuracy');
  });
});

describe('--quiet', () => {
  it('prints the result only', async () => {
    const { stdout, stderr } = await cli([...demo('result'), '--quiet']);
    expect(stderr).toBe('');
    expect(stdout).not.toContain('Epoch');
    expect(stdout).toMatch(/^accuracy/);
  });
});

describe('on a terminal', () => {
  if (terminalMissing) console.warn(`skipped: ${terminalMissing}`);

  it.skipIf(terminalMissing)('that knows no escape codes there are none', async () => {
    const stdout = await onTerminal(demo('dumb'), { TERM: 'dumb' });
    expect(stdout).toContain('Epoch 1/2');
    expect(stdout).not.toContain('\u001b');
  });

  it.skipIf(terminalMissing)('that is narrow the bar stays on its line', async () => {
    const shown = await onTerminal(demo('narrow'), {}, 40);
    const pieces = shown.split(/[\r\n]/).flatMap((line) => line.split('\u001b'));
    const bars = pieces.map((piece) => piece.replace(/^\[[\d;]*[A-Za-z]/, '')).filter((piece) => piece.includes('█'));
    expect(bars.length).toBeGreaterThan(0);
    for (const bar of bars) expect(bar.length).toBeLessThanOrEqual(40);
  });

  it.skipIf(terminalMissing)('there are a progress bar and colours, and the terminal is left as it was', async () => {
    const stdout = await onTerminal(demo('tty'));
    expect(stdout).toContain('Epoch 1/2');
    expect(stdout).toContain('█');
    expect(stdout).toContain('\u001b[1m');
    for (const [change, restore] of [
      ['\u001b[?25l', '\u001b[?25h'], // cursor hidden, shown
      ['\u001b[?7l', '\u001b[?7h'], // wrapping off, on
    ] as const) {
      expect(stdout.lastIndexOf(change)).toBeLessThanOrEqual(stdout.lastIndexOf(restore));
    }
  });
});
