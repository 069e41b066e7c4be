import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { cli, useCli } from './run-cli.ts';

const commands = ['demo', 'train', 'evaluate', 'export', 'predict', 'parity', 'inspect', 'models'];

useCli();

describe('help', () => {
  it('lists every command', async () => {
    const { status, stdout, stderr } = await cli(['--help']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    for (const command of commands) expect(stdout).toMatch(new RegExp(`^ {2}${command} `, 'm'));
  });

  it.each(commands)('of %s has examples and the common options, on standard output', async (command) => {
    const { status, stdout, stderr } = await cli([command, '--help']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain(`Usage: recurrent ${command} [options]`);
    expect(stdout).toMatch(new RegExp(`^Examples:\n  \\$ .*recurrent ${command}`, 'm'));
    for (const option of ['--json', '--quiet', '--help']) expect(stdout).toContain(option);
  });

  it('describes every command and option in docs/cli.md', async () => {
    const handbook = readFileSync(new URL('../../docs/cli.md', import.meta.url), 'utf8');
    for (const command of commands) {
      const { stdout } = await cli([command, '--help']);
      const section = handbook.split(/^## /m).find((part) => part.startsWith(`\`${command}`)) ?? '';
      expect(section, `docs/cli.md has no section on ${command}`).not.toBe('');
      const options = [...stdout.matchAll(/^ {2}(?:-\w, )?(--[a-z-]+)/gm)].map(([, name]) => name as string);
      const known = handbook.split(/^## /m).find((part) => part.startsWith('Options of a run')) ?? '';
      const common = handbook.split(/^## /m).find((part) => part.startsWith('Common options')) ?? '';
      for (const option of options) expect(`${section}${known}${common}`, command).toContain(`\`${option}`);
    }
  });

  it('knows its version', async () => {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
    expect((await cli(['--version'])).stdout).toBe(`${version}\n`);
  });
});
