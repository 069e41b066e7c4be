/** How the user started this program, so that the commands which it suggests can be pasted as they are. */
import { relative, sep } from 'node:path';
import type { Option } from 'commander';

/** `recurrent`, `npx recurrent` or `node dist/cli/main.js`. */
export function programName(): string {
  const script = relative(process.cwd(), process.argv[1] ?? '');
  if (script.split(sep).includes('node_modules')) return 'npx recurrent';
  return script.startsWith('..') || !script.endsWith('.js') ? 'recurrent' : `node ${quote(script)}`;
}

/** One command line of this program. */
export function commandLine(...args: readonly string[]): string {
  return [programName(), ...args.map(quote)].join(' ');
}

/** What gives `options` their values again. */
export function argumentsOf(options: readonly Option[], values: object): string[] {
  return options.flatMap((option) => {
    const [flag, value] = [option.long as string, (values as Record<string, unknown>)[option.attributeName()]];
    if (value === undefined || value === false) return [];
    return value === true ? [flag] : [flag, String(value)];
  });
}

function quote(text: string): string {
  return /^[\w@%+=:,./\\-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
