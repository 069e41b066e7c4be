import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { escaped, html } from '../../src/chapter/html.ts';
import { htmlTable } from '../../src/chapter/html-table.ts';

/** Any text at all, markup, controls and lone surrogates among it. */
const anyText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc
    .array(
      fc.constantFrom('<script>', '</td>', '"', "'", '&amp;', '&', '<!--', '-->', ']]>', '\u0000', '\ud800', 'é', '映'),
    )
    .map((parts) => parts.join('')),
);

/** What a browser reads of escaped text: the entities of HTML that can be in it. */
const read = (markup: string) =>
  markup.replace(/&(amp|lt|gt|quot);/g, (_, name) => ({ amp: '&', lt: '<', gt: '>', quot: '"' })[name as string] ?? '');

/** What no page can hold stands for itself as U+FFFD. */
const holdable = (text: string) =>
  !/[\p{Cs}\u{fffe}\u{ffff}]/u.test(text) && ![...text].some((letter) => letter < ' ' && !'\t\n\r'.includes(letter));

describe('html', () => {
  it('never lets a text become markup, in an element or an attribute', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const { markup } = html`<p title="${text}">${text}</p>`;
        const [, attribute, content] = /^<p title="([^"]*)">([^<]*)<\/p>$/.exec(markup) ?? [];
        expect(attribute).toBe(content);
        expect(content).not.toMatch(/[<>"]|&(?!(amp|lt|gt|quot);)/);
        if (holdable(text)) expect(read(content ?? '')).toBe(text);
      }),
    );
  });

  it('puts pieces, lists and numbers together without escaping them twice', () => {
    const items = ['a & b', '<c>'].map((item) => html`<li>${item}</li>`);
    expect(html`<ul>${items}</ul>${3}${['x', '<']}${escaped('<svg/>')}`.markup).toBe(
      '<ul><li>a &amp; b</li><li>&lt;c&gt;</li></ul>3x&lt;<svg/>',
    );
  });

  it('does not take an object with a field of that name for a piece of a page', () => {
    // @ts-expect-error Only html and escaped make pieces.
    html`${{ markup: '<script>' }}`;
  });
});

it('a table has a caption, names of columns and rows, and can be reached by keyboard', () => {
  const { markup } = htmlTable({
    caption: 'Say "x"',
    columns: [{ head: 'name', kind: 'text' }, { head: 'n' }, { head: 'authors', kind: 'theirs' }],
    rows: [['a<b', '1', html`<b>2</b>`]],
  });
  expect(markup).toContain('aria-label="Say &quot;x&quot;" tabindex="0"');
  expect(markup).toContain('<caption>Say &quot;x&quot;</caption>');
  expect(markup).toContain('<th scope="col" class="theirs">authors</th>');
  expect(markup).toContain('<th scope="row">a&lt;b</th><td class="">1</td><td class="theirs"><b>2</b></td>');
});
