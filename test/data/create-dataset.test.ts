import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createDataset, type LabelledRow } from '../../src/data/create-dataset.ts';

const text = fc.string({ unit: 'grapheme' });
const label = fc.oneof(
  text.filter((name) => name.trim() !== ''),
  fc.integer(),
  fc.boolean(),
);

describe('a data set of rows', () => {
  it('has every text with its label, in order, under ids of its own', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ text, label }), { minLength: 1, maxLength: 20 }), (drawn) => {
        const rows = [...drawn, { text: 'one more', label: 'a' }, { text: 'and another', label: 'b' }];
        const { source, labels, examples } = createDataset(rows);
        expect(source).toBe('rows');
        expect(labels).toEqual([...new Set(rows.map((row) => String(row.label)))].sort());
        expect(examples.map((example) => [example.text, labels[example.label]])).toEqual(
          rows.map((row) => [row.text, String(row.label)]),
        );
        expect(new Set(examples.map(({ id }) => id)).size).toBe(rows.length);
      }),
    );
  });

  it('takes any iterable, and a name', () => {
    const rows = new Set([
      { text: 'yes', label: true },
      { text: 'no', label: false },
    ]);
    expect(createDataset(rows, 'answers')).toMatchObject({ source: 'answers', labels: ['false', 'true'] });
  });

  it.each<[string, unknown[], string, RegExp]>([
    ['no rows', [], 'DATA_INVALID', /no examples/],
    ['one class', [{ text: 'a', label: 'x' }], 'DATA_LABELS', /"x"/],
    ['no text', [{ text: 'a', label: 'x' }, { label: 'y' }], 'DATA_INVALID', /row 2/],
    ['half a character', [{ text: '\ud800', label: 'x' }], 'DATA_INVALID', /row 1/],
    ['no label', [{ text: 'a' }], 'DATA_LABELS', /row 1/],
    ['an empty label', [{ text: 'a', label: ' ' }], 'DATA_LABELS', /row 1.*empty/],
    ['no row', [undefined], 'DATA_INVALID', /row 1/],
  ])('refuses %s', (_, rows, code, message) => {
    expect(() => createDataset(rows as LabelledRow[])).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message) }),
    );
  });
});
