import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { excerpt, printable } from '../../../src/cli/terminal/format.ts';
import { table } from '../../../src/cli/terminal/table.ts';

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

it('tables have plain, aligned columns', () => {
  const rows = [
    ['a', '1'],
    ['long', '1,000'],
  ];
  expect(table(rows, { head: ['name', 'n'], align: ['left', 'right'] })).toBe('name      n\na         1\nlong  1,000');
});
