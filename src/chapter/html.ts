/** HTML as text: everything that is put in is escaped, unless it is HTML already. */
import { escapeMarkup } from '../report/escape-markup.ts';

/** A piece of a page. Made by `html` and `svgPart` only. */
export type Html = { readonly markup: string } & { readonly [made]: true };
declare const made: unique symbol;

type Insert = string | number | Html | readonly Insert[];

/** Escapes texts and numbers, for elements and for double-quoted attributes; puts lists together. */
export function html(pieces: TemplateStringsArray, ...inserts: readonly Insert[]): Html {
  return piece(pieces.map((text, index) => text + written(inserts[index] ?? '')).join(''));
}

/** A chart of `src/report`, which has escaped its own words. */
export function svgPart(svg: string): Html {
  return piece(svg);
}

function piece(markup: string): Html {
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
