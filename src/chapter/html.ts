/** HTML as text: everything that is put in is escaped, unless it is HTML already. */
import { escapeMarkup } from '../report/escape-markup.ts';

/** A piece of a page. Made by `html` and `escaped` only. */
export type Html = { readonly markup: string } & { readonly [made]: true };
declare const made: unique symbol;

type Insert = string | number | Html | readonly Insert[];

/** Escapes texts and numbers, for elements and for double-quoted attributes; puts lists together. */
export function html(pieces: TemplateStringsArray, ...inserts: readonly Insert[]): Html {
  return escaped(pieces.map((text, index) => text + written(inserts[index] ?? '')).join(''));
}

/** Markup that needs no escaping any more: a chart of `src/report`, a style sheet. */
export function escaped(markup: string): Html {
  return { markup } as Html;
}

function written(insert: Insert): string {
  if (typeof insert === 'string') return escapeMarkup(insert);
  if (typeof insert === 'number') return String(insert);
  return isPiece(insert) ? insert.markup : insert.map(written).join('');
}

function isPiece(insert: Html | readonly Insert[]): insert is Html {
  return !Array.isArray(insert);
}
