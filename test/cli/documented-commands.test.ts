/** Every command line that the documentation shows in a block of `sh`: its command, its options and its model exist. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { expect, it } from 'vitest';
import { zooModel } from '../../models/zoo/zoo.ts';
import { createProgram } from '../../src/cli/program.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const pages = ['README.md', 'README.ko.md', ...readdirSync(join(root, 'docs')).map((name) => `docs/${name}`)];

const shown = pages
  .filter((page) => page.endsWith('.md'))
  .flatMap((page) => {
    const blocks = readFileSync(join(root, page), 'utf8').matchAll(/^```sh\n([\s\S]*?)^```$/gm);
    return [...blocks].flatMap(([, block = '']) => commandsOf(block).map((line) => ({ page, line })));
  });

/** In a clone, `npm run … recurrent --` stands for `recurrent`. */
function commandsOf(block: string): string[] {
  const lines = block.replaceAll(/\\\n\s*/g, ' ').split('\n');
  return lines.flatMap(
    (line) => /(?:^|\| )(?:npm run --silent recurrent -- |recurrent )(.*?)(?: [|#>] ?.*)?$/.exec(line)?.[1] ?? [],
  );
}

function wordsOf(line: string): string[] {
  return [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? '');
}

function find(command: Command, words: readonly string[]): { command: Command; rest: readonly string[] } {
  const inner = command.commands.find((candidate) => candidate.name() === words[0]);
  return inner ? find(inner, words.slice(1)) : { command, rest: words };
}

it('shows commands', () => {
  expect(shown.length).toBeGreaterThan(20);
});

it.each(shown)('$page: recurrent $line', ({ line }) => {
  const program = createProgram();
  const { command, rest } = find(program, wordsOf(line));
  if (command === program) return expect(['--help', '--version']).toContain(rest[0]);
  const { operands, unknown } = command.parseOptions([...rest]);
  expect(unknown).toEqual([]);
  if (command.name() === 'train' && !operands[0]?.endsWith('.json')) zooModel(operands[0] ?? '');
  const { length } = operands;
  expect(length).toBeGreaterThanOrEqual(command.registeredArguments.filter(({ required }) => required).length);
  if (!command.registeredArguments.some(({ variadic }) => variadic)) {
    expect(length).toBeLessThanOrEqual(command.registeredArguments.length);
  }
});
