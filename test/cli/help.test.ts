import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { cli, useCli } from './run-cli.ts';

const commands = [
  'demo',
  'chapter',
  'train',
  'evaluate',
  'plot',
  'import',
  'export',
  'predict',
  'serve',
  'parity',
  'inspect',
  'models',
  'data',
  'bench training',
  'bench curves',
  'bench epoch',
  'doctor',
  'setup gpu',
];

useCli();

describe('help', () => {
  it('lists every command', async () => {
    const { status, stdout, stderr } = await cli(['--help']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    for (const command of commands) expect(stdout).toMatch(new RegExp(`^ {2}${command.split(' ')[0]} `, 'm'));
  });

  it.each(commands)('of %s has examples and options, each of which docs/cli.md describes', async (command) => {
    const { status, stdout, stderr } = await cli([...command.split(' '), '--help']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain(`Usage: recurrent ${command} [options]`);
    expect(stdout).toMatch(new RegExp(`^Examples:\n  \\$ .*recurrent ${command}`, 'm'));
    const options = [...stdout.matchAll(/^ {2}(?:-\w, )?(--[a-z-]+)/gm)].map(([, name]) => name as string);
    expect(options).toEqual(expect.arrayContaining(['--json', '--quiet', '--help']));
    for (const option of options) expect(sectionsFor(command)).toContain(`\`${option}`);
  });

  it('knows its version', async () => {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
    expect((await cli(['--version'])).stdout).toBe(`${version}\n`);
  });
});

/** What docs/cli.md says on a command, with the sections that it refers to. */
function sectionsFor(command: string): string {
  const handbook = readFileSync(new URL('../../docs/cli.md', import.meta.url), 'utf8').split(/^## /m);
  const own = handbook.find((part) => part.startsWith(`\`${command}`)) ?? '';
  expect(own, `docs/cli.md has no section on ${command}`).not.toBe('');
  const shared = [
    'Common options',
    ...[
      ['Options of a run', '[Options of a run]'],
      ['Labelled texts', '[Labelled texts]'],
      ['Execution providers', '(#execution-providers)'],
    ].flatMap(([title = '', link = '']) => (own.includes(link) ? [title] : [])),
  ];
  return [own, ...handbook.filter((part) => shared.some((title) => part.startsWith(title)))].join('');
}
