import { stripVTControlCharacters } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type TerminalChart, terminalChart } from '../../src/report/terminal-chart.ts';

const blue = (text: string) => `\u001b[34m${text}\u001b[39m`;
const yellow = (text: string) => `\u001b[33m${text}\u001b[39m`;
const falling: TerminalChart = {
  title: 'Loss',
  xLabel: 'epochs',
  x: [1, 2, 3, 4],
  series: [
    { name: 'training', values: [0.8, 0.4, 0.2, 0.1] },
    { name: 'validation', values: [0.9, 0.6, 0.5, 0.6] },
  ],
  width: 40,
};

describe('curves on a terminal', () => {
  it('have a letter each where there are no colours', () => {
    expect(terminalChart({ ...falling, height: 6 })?.split('\n')).toEqual([
      'Loss   * training   o validation',
      '1.0 ┤o',
      '0.8 ┤*ooooooo',
      '0.6 ┤    ****ooooooooooooooo ooooooooooo',
      '0.4 ┤         ********      o',
      '0.2 ┤                 *****************',
      '0.0 ┤                                  *',
      '    └───────────────────────────────────',
      '     1             epochs              4',
    ]);
  });

  it('are dots of braille in colour', () => {
    const drawn = terminalChart({ ...falling, paint: [blue, yellow] }) ?? '';
    expect(drawn).toContain(yellow('⢌')); // where both go through, the last one's
    expect(drawn).toContain(blue('⠢'));
    expect(stripVTControlCharacters(drawn).split('\n')).toEqual([
      'Loss   ─ training   ─ validation',
      '1.0 ┤⡀',
      '0.8 ┤⢌⡉⠒⠤⢄⡀',
      '    │ ⠈⠑⠢⣀⠈⠉⠒⠤⢄⡀',
      '0.6 ┤     ⠉⠒⠤⣀ ⠈⠉⠒⠒⠒⠒⠤⠤⠤⢄⣀⣀⣀⢀⣀⣀⣀⠤⠤⠤⠔⠒⠒⠒⠊',
      '0.4 ┤         ⠉⠢⢄⣀⡀         ⠁',
      '    │             ⠈⠉⠑⠒⠤⠤⣀⣀',
      '0.2 ┤                     ⠉⠑⠒⠒⠒⠤⠤⠤⢄⣀⣀⣀⡀',
      '0.0 ┤                                 ⠈⠉',
      '    └───────────────────────────────────',
      '     1             epochs              4',
    ]);
  });

  it('keep to the width, and need some of it and two points', () => {
    const value = fc.oneof(fc.double({ min: -1e9, max: 1e9, noNaN: true }), fc.constantFrom(null, Number.NaN));
    fc.assert(
      fc.property(
        fc.array(fc.array(value, { maxLength: 50 }), { maxLength: 4 }),
        fc.integer({ min: 0, max: 120 }),
        fc.boolean(),
        (columns, width, colours) => {
          const x = Array.from(
            { length: Math.max(0, ...columns.map(({ length }) => length)) },
            (_, index) => index + 1,
          );
          const series = columns.map((values, index) => ({ name: `s${index}`, values }));
          const drawn = terminalChart({ ...falling, x, series, width, ...(colours && { paint: [blue, yellow] }) });
          if (drawn === undefined) return;
          const [legend = '', ...lines] = stripVTControlCharacters(drawn).split('\n');
          expect(legend).toContain('Loss');
          expect(lines).toHaveLength(8 + 2);
          for (const line of lines) expect(line.length).toBeLessThanOrEqual(Math.min(width, 72));
          expect(drawn.includes('\u001b')).toBe(colours);
          expect(drawn).not.toMatch(/NaN|undefined/);
        },
      ),
    );
    expect(terminalChart({ ...falling, width: 12 })).toBeUndefined();
    expect(terminalChart({ ...falling, x: [1], series: [{ name: 'training', values: [0.5] }] })).toBeUndefined();
    expect(terminalChart({ ...falling, series: [] })).toBeUndefined();
  });

  it('have no holes where they are steep, and gaps where there are no values', () => {
    const one = (values: (number | null)[]) =>
      terminalChart({ ...falling, x: values.map((_, index) => index), series: [{ name: 'a', values }], height: 10 }) ??
      '';
    const rows = one([0, 0, 1, 1]).split('\n').slice(1, -2);
    expect(rows.filter((row) => row.includes('*')).length).toBe(rows.length);
    const columns = (text: string) =>
      new Set(
        text
          .split('\n')
          .slice(1, -2)
          .flatMap((row) => [...row.matchAll(/\*/g)].map(({ index }) => index)),
      );
    expect(columns(one([1, 1, 1, 1])).size).toBeGreaterThan(columns(one([1, 1, null, 1])).size);
  });
});
