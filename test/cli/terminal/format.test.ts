import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  excerpt,
  formatCountOf,
  formatSeconds,
  formatShare,
  formatSmall,
  printable,
} from '../../../src/cli/terminal/format.ts';
import { table } from '../../../src/cli/terminal/table.ts';
import { formatBytes } from '../../../src/core/format-bytes.ts';

/** Any text at all, controls, lone surrogates and marks of direction among it. */
const anyText = fc.string({ unit: 'binary' }).chain((text) =>
  fc
    .array(fc.constantFrom('\u001b[31m', '\n', '\r', '\t', '\u0007', '\u009b', '\u202e', '\u2028', '\ud800'), {
      maxLength: 5,
    })
    .map((marks) => marks.join(text.slice(0, 3)) + text),
);

const steersTerminal = (text: string) => /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u.test(text);

describe('texts from files', () => {
  it('never steer a terminal', () => {
    fc.assert(fc.property(anyText, (text) => !steersTerminal(printable(text))));
    fc.assert(
      fc.property(anyText, (text) => !steersTerminal(table([[text, 'x']], { head: [text, 'y'] }).replaceAll('\n', ''))),
    );
  });

  it('keep their letters', () => {
    expect(printable(' שלום\tעולם \u001b[2J👨‍👩‍👧 ')).toBe('שלום עולם [2J👨‍👩‍👧');
  });

  it('are cut at whole characters', () => {
    fc.assert(
      fc.property(anyText, fc.integer({ min: 1, max: 20 }), (text, width) => [...excerpt(text, width)].length <= width),
    );
    expect(excerpt('🙂🙂🙂', 2)).toBe('🙂…');
    expect(excerpt('ab', 2)).toBe('ab');
  });
});

describe('numbers', () => {
  it.each([
    [0, '0.00 s'],
    [9.994, '9.99 s'],
    [59.94, '59.9 s'],
    [59.96, '1 min 00 s'],
    [125.4, '2 min 05 s'],
  ])('%d seconds are %s', (seconds, text) => expect(formatSeconds(seconds)).toBe(text));

  it.each([
    [999, '999 B'],
    [1000, '1.0 KB'],
    [999_949, '999.9 KB'],
    [999_950, '1.0 MB'],
    [999_949_999, '999.9 MB'],
    [1_234_000_000, '1.2 GB'],
  ])('%d bytes are %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text));

  it('have a unit in the right number', () => {
    expect(formatCountOf(1, 'text')).toBe('1 text');
    expect(formatCountOf(6046, 'text')).toBe('6,046 texts');
    expect(formatCountOf(2, 'class', 'classes')).toBe('2 classes');
    expect(formatShare(0.96526)).toBe('96.53 %');
    expect(formatSmall(0)).toBe('0');
    expect(formatSmall(4.012e-6)).toBe('4.01e-6');
  });
});

it('tables have plain, aligned columns', () => {
  const rows = [
    ['a', '1'],
    ['long', '1,000'],
  ];
  expect(table(rows, { head: ['name', 'n'], align: ['left', 'right'] })).toBe('name      n\na         1\nlong  1,000');
});
