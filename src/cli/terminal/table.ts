/** Plain columns, the same on a terminal and in a pipe. Cells may come from files: they are made printable here. */
import Table from 'cli-table3';
import { printable } from './format.ts';

export type Alignment = 'left' | 'right';

const noBorders = {
  ...{ top: '', 'top-mid': '', 'top-left': '', 'top-right': '' },
  ...{ bottom: '', 'bottom-mid': '', 'bottom-left': '', 'bottom-right': '' },
  ...{ left: '', 'left-mid': '', mid: '', 'mid-mid': '', right: '', 'right-mid': '', middle: '  ' },
};

/** @returns lines separated by newlines, without a trailing one */
export function table(
  rows: readonly (readonly string[])[],
  { head, align }: { readonly head?: readonly string[]; readonly align?: readonly Alignment[] } = {},
): string {
  const grid = new Table({
    ...(head && { head: head.map(printable) }),
    ...(align && { colAligns: [...align] }),
    chars: noBorders,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  });
  for (const row of rows) grid.push(row.map(printable));
  return grid
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

/** `name  value` lines. */
export function facts(pairs: readonly (readonly [name: string, value: string])[]): string {
  return table(pairs);
}
