/** The real command line as a child process, built once. */
import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect } from 'vitest';
import { createProgram } from '../../src/cli/program.ts';
import { RecurrentError } from '../../src/core/errors.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const main = join(root, 'dist/cli/main.js');

export const tickets = join(root, 'examples/data/tickets.csv');
export const restaurants = join(root, 'examples/data/restaurants.jsonl');
export const moods = join(root, 'examples/data/mood');

/** Small and quick: about a quarter of a second a run. */
export const quickly = ['--max-length', '12', '--epochs', '2', '--batch-size', '16'];

export interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Surroundings {
  readonly cwd?: string;
  readonly input?: string | Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
}

/** Builds `dist/` if its sources have changed, and makes an empty folder to work in. */
export function useCli(): { readonly folder: string } {
  const place = { folder: '' };
  beforeAll(async () => {
    await promisify(execFile)(process.execPath, ['tools/build.mjs'], { cwd: root });
    place.folder = await mkdtemp(join(tmpdir(), 'recurrent-cli-'));
  });
  afterAll(() => rm(place.folder, { recursive: true, force: true }));
  return place;
}

export function startCli(args: readonly string[], { cwd = root, env = {} }: Surroundings = {}) {
  const { FORCE_COLOR: _, NO_COLOR: __, DEBUG: ___, ...inherited } = process.env;
  return spawn(process.execPath, [main, ...args], { cwd, env: { ...inherited, ...env } });
}

/** Runs a command to its end. */
export async function cli(args: readonly string[], surroundings: Surroundings = {}): Promise<Outcome> {
  const child = startCli(args, surroundings);
  child.stdin.on('error', () => {}); // the command may end without reading its input
  child.stdin.end(surroundings.input ?? '');
  return outcomeOf(child);
}

export async function outcomeOf(child: ReturnType<typeof startCli>): Promise<Outcome> {
  const [stdout, stderr] = [[] as Buffer[], [] as Buffer[]];
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
  const status = await new Promise<number | null>((resolve) => child.on('close', resolve));
  const said = Buffer.concat(stderr).toString().replace(ofTensorflow, '');
  return { status, stdout: Buffer.concat(stdout).toString(), stderr: said };
}

/** What the library of TensorFlow 2.21 writes while it is loaded, where its binding was built: nothing silences it. */
const ofTensorflow =
  /^(?:WARNING: All log messages before absl|I0000 [\d:. ]+port\.cc:\d+\] oneDNN custom operations).*\n/gm;

/** Why no terminal can be had; undefined where it can. */
export const terminalMissing =
  process.platform === 'linux' && existsSync('/usr/bin/script')
    ? undefined
    : 'a terminal needs script(1) of util-linux';

/** Runs a command on a terminal, and gives what that shows. */
export async function onTerminal(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  columns = 80,
): Promise<string> {
  const { NO_COLOR: _, ...inherited } = process.env;
  const { stdout } = await promisify(execFile)(
    'script',
    ['-qec', [`stty cols ${columns};`, process.execPath, main, ...args].join(' '), '/dev/null'],
    {
      env: { ...inherited, TERM: 'xterm', ...env },
    },
  );
  return stdout;
}

/** Runs a command that must succeed, and gives its one JSON object. */
export async function cliJson(
  args: readonly string[],
  surroundings: Surroundings = {},
): Promise<Record<string, unknown>> {
  const { status, stdout, stderr } = await cli([...args, '--json'], surroundings);
  expect(stderr).not.toContain('"error"');
  expect(status).toBe(0);
  expect(stdout.trimEnd().split('\n')).toHaveLength(1);
  return JSON.parse(stdout);
}

/** What a command throws that is refused before it does anything, in this process: no other need be started for it. */
export async function refusalHere(args: readonly string[]): Promise<RecurrentError> {
  const thrown = await createProgram()
    .parseAsync(args, { from: 'user' })
    .then(() => expect.fail('it was not refused'))
    .catch((error) => error);
  return thrown instanceof RecurrentError ? thrown : expect.fail(String(thrown));
}

export interface Refusal {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}

/** Runs a command that must be refused with nothing on standard output, and gives the error object. */
export async function cliRefusal(
  args: readonly string[],
  status: number,
  surroundings: Surroundings = {},
): Promise<Refusal> {
  const [command = '', ...rest] = args;
  const outcome = await cli([command, '--json', ...rest], surroundings);
  expect(outcome.stdout).toBe('');
  expect(outcome.stderr).not.toMatch(/^\s+at /m);
  const last = outcome.stderr.trimEnd().split('\n').at(-1) ?? '';
  expect(last).toMatch(/^\{"error"/);
  const { error } = JSON.parse(last) as { error: Refusal };
  expect({ ...error, status: outcome.status }).toMatchObject({ status });
  expect(error.hint).not.toBe('');
  return error;
}
