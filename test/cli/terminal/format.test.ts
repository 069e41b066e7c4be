import fc from 'fast-check';
import columnsOf from 'string-width';
import { describe, expect, it } from 'vitest';
import { excerpt, fill, printable, widestOf } from '../../../src/cli/terminal/format.ts';
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

  it('are cut at whole characters, by the columns that they take', () => {
    fc.assert(
      fc.property(anyText, fc.integer({ min: 1, max: 20 }), (text, width) => columnsOf(excerpt(text, width)) <= width),
    );
    expect(excerpt('🙂🙂🙂', 4)).toBe('🙂…');
    expect(excerpt('배송이 늦어요', 8)).toBe('배송이 …');
    expect(excerpt('ab', 2)).toBe('ab');
  });

  it('are filled up to the same columns', () => {
    fc.assert(
      fc.property(fc.array(anyText, { minLength: 1 }), (texts) => {
        const filled = texts.map((text) => columnsOf(fill(text, widestOf(texts))));
        return new Set(filled).size === 1;
      }),
    );
    expect([fill('배송', 6), fill('Größe', 6)]).toEqual(['배송  ', 'Größe ']);
  });
});

it('tables have plain, aligned columns', () => {
  const rows = [
    ['a', '1'],
    ['long', '1,000'],
  ];
  expect(table(rows, { head: ['name', 'n'], align: ['left', 'right'] })).toBe('name      n\na         1\nlong  1,000');
});
