/** Ctrl-C: the best model so far is on disk, the command says how to go on, nothing is half-written. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { cliJson, outcomeOf, quickly, startCli, tickets, useCli } from './run-cli.ts';

const place = useCli();

/** Slow enough to be met in the middle: thousands of epochs. */
const forEver = ['--epochs', '5000', '--patience', '5000', '--max-length', '40', '--batch-size', '8'];

/** Starts a command, waits until it prints `sign`, sends `signals` with `pause` ms between them. */
async function interrupt(args: readonly string[], sign: RegExp, signals: readonly NodeJS.Signals[], pause = 0) {
  const child = startCli(args);
  child.stdin.end();
  const outcome = outcomeOf(child);
  const people = args.includes('--json') ? child.stderr : child.stdout;
  let seen = '';
  await new Promise<void>((resolve) => {
    people.on('data', (chunk: Buffer) => {
      seen += chunk;
      if (sign.test(seen)) resolve();
    });
    child.once('close', resolve);
  });
  for (const signal of signals) {
    child.kill(signal);
    await delay(pause);
  }
  return outcome;
}

/** The line of an epoch that is done. */
const anEpoch = /^Epoch +2\/.*\n/m;

describe('Ctrl-C while training', () => {
  it('keeps the best model and says how to go on, which works', async () => {
    const out = join(place.folder, 'run');
    const args = ['train', 'lstm', '--data', tickets, '--out', out];
    const { status, stdout, stderr } = await interrupt([...args, ...forEver, '--json'], anEpoch, ['SIGINT']);
    expect({ status, stdout }).toEqual({ status: 130, stdout: '' });
    expect(stderr).toContain('Stopping after this step');
    const { error } = JSON.parse(stderr.trimEnd().split('\n').at(-1) ?? '');
    expect(error.code).toBe('INTERRUPTED');
    expect(error.message).toContain(join(out, 'best.safetensors'));
    expect(error.hint).toMatch(/^Go on with: .*train lstm --data .* --resume$/);
    expect(readdirSync(out).toSorted()).toEqual(['best.safetensors', 'history.csv', 'last.safetensors', 'loss.svg']);

    const done = readFileSync(join(out, 'history.csv'), 'utf8').trimEnd().split('\n').length - 1;
    const resumed = await cliJson([...args, '--resume', '--epochs', String(done + 1)]);
    expect(resumed).toMatchObject({ epochs: done + 1 });
  });

  it('by SIGTERM does the same', async () => {
    const out = join(place.folder, 'terminated');
    const { status } = await interrupt(['train', 'lstm', '--data', tickets, '--out', out, ...forEver], anEpoch, [
      'SIGTERM',
    ]);
    expect(status).toBe(130);
    await cliJson(['inspect', join(out, 'last.safetensors')]);
  });

  it('by SIGKILL, in the midst of whatever it does, goes on bit for bit and leaves nothing about', async () => {
    const args = ['train', 'lstm', '--data', tickets];
    const out = join(place.folder, 'killed');
    for (let kill = 0; kill < 2; kill++) {
      const child = startCli([...args, ...(kill === 0 ? forEver : ['--resume']), '--out', out]);
      child.stdin.end();
      const ended = outcomeOf(child);
      await new Promise<void>((resolve) => {
        child.stdout.on('data', (chunk: Buffer) => /Epoch/.test(String(chunk)) && resolve());
      });
      await delay(7 * kill);
      child.kill('SIGKILL');
      await ended;
    }
    writeFileSync(join(out, '.last.safetensors.1.a.tmp'), 'as a process leaves it that is killed while it writes');
    const done = readFileSync(join(out, 'history.csv'), 'utf8').trimEnd().split('\n').length - 1;
    const epochs = ['--epochs', String(done + 3)];
    await cliJson([...args, '--resume', ...epochs, '--out', out]);
    const whole = join(place.folder, 'whole');
    await cliJson([...args, ...forEver, ...epochs, '--out', whole]);
    expect(readdirSync(out).toSorted()).toEqual(readdirSync(whole).toSorted());
    for (const file of ['best.safetensors', 'last.safetensors', 'history.csv']) {
      expect(readFileSync(join(out, file)).equals(readFileSync(join(whole, file))), file).toBe(true);
    }
  });

  it('once is once, although npm passes it on a second time', async () => {
    const out = join(place.folder, 'npm');
    const { status, stderr } = await interrupt(
      ['train', 'lstm', '--data', tickets, '--out', out, ...forEver],
      anEpoch,
      ['SIGINT', 'SIGINT'],
    );
    expect(status).toBe(130);
    expect(stderr).toContain('--resume');
  });

  it('of the demo names the command that goes on', async () => {
    const out = join(place.folder, 'demo');
    const { status, stderr } = await interrupt(['demo', 'lstm', '--data', tickets, '--out', out, ...forEver], anEpoch, [
      'SIGINT',
    ]);
    expect(status).toBe(130);
    expect(stderr).toMatch(/train lstm --data .* --out .* --resume/);
    expect(readdirSync(out)).not.toContain('model.onnx');
  });
});

describe('a second Ctrl-C', () => {
  it('leaves at once, with nothing half-written', async () => {
    const out = join(place.folder, 'twice');
    // One step of a second or so an epoch: the first is still being honoured when the second comes.
    const slow = ['--engine', 'js', '--epochs', '50', '--max-length', '4000', '--batch-size', '100'];
    const args = ['train', 'lstm', '--data', tickets, '--out', out, ...slow];
    const { status } = await interrupt(args, /^Epoch +1\/.*\n/m, ['SIGINT', 'SIGINT'], 700);
    expect(status).toBe(130);
    expect(readdirSync(out).filter((name) => name.endsWith('.tmp'))).toEqual([]);
    await cliJson(['inspect', join(out, 'last.safetensors')]);
  });
});

describe('Ctrl-C at another time', () => {
  it('ends the command with its error', async () => {
    const run = join(place.folder, 'parity');
    await cliJson(['train', 'lstm', '--data', tickets, '--out', run, ...quickly]);
    const [head, ...rows] = readFileSync(tickets, 'utf8').trimEnd().split('\n');
    /** While it compares so many copies of the tickets. */
    async function stopped(copies: number) {
      const many = join(place.folder, 'many.csv');
      await writeFile(many, [head, ...Array.from({ length: copies }, () => rows).flat()].join('\n'));
      return interrupt(['parity', run, '--data', many, '--json'], /many\.csv/, ['SIGINT']);
    }
    let outcome = await stopped(100);
    // One that was done before the signal came shows nothing.
    for (let copies = 400; outcome.status === 0 && copies < 30_000; copies *= 4) outcome = await stopped(copies);
    const { status, stdout, stderr } = outcome;
    expect({ status, stdout }).toEqual({ status: 130, stdout: '' });
    expect(JSON.parse(stderr.trimEnd().split('\n').at(-1) ?? '')).toMatchObject({ error: { code: 'INTERRUPTED' } });
  });
});
