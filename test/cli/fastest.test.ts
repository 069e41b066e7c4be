/** `--engine fastest` with an engine that cannot do its step: the package onnxruntime-node is spoilt for it. */
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type InstalledCopy, installCopy } from '../doctor/installed-copy.ts';
import { build } from '../package/built-package.ts';
import { quickly, tickets } from './run-cli.ts';

let copy: InstalledCopy;

beforeAll(() => {
  build();
  copy = installCopy();
});
afterAll(() => copy.dispose());

it('goes on with the others, and says what that one said', async () => {
  const file = join(copy.own('onnxruntime-node'), 'dist/backend.js');
  const text = readFileSync(file, 'utf8');
  const spoilt = text.replace('async run(feeds, fetches, options) {', "$& throw new Error('out of memory');");
  expect(spoilt).not.toBe(text);
  writeFileSync(file, spoilt);
  const main = join(copy.path('recurrent-onnx'), 'dist/cli/main.js');
  const run = ['--data', tickets, '--out', join(copy.folder, 'run'), '--engine', 'fastest', '--threads', '1'];
  const { stdout } = await promisify(execFile)(process.execPath, [main, 'train', 'lstm', ...run, ...quickly]);
  expect(stdout).toMatch(/^ {2}wasm, 1 thread +[\d.]+ ms/m);
  expect(stdout).toMatch(/^ {2}onnxruntime, 1 thread +– {2}.*out of memory/m);
});
