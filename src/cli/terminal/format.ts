/** Texts as a terminal may show them. */
import columnsOf from 'string-width';

/** One line without control characters or changes of direction: what stands in a file must not steer a terminal. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}\s]+/gu, ' ').trim();
}

/** `printable(text)`, cut to at most `width` columns. Hangul, Han and Kana take two each. */
export function excerpt(text: string, width: number): string {
  return cut(printable(text.slice(0, 16 * width)), width);
}

/** At most `width` columns of `text`. */
export function cut(text: string, width: number): string {
  if (columnsOf(text) <= width) return text;
  let shown = '';
  let columns = 1; // the ellipsis
  for (const character of text) {
    columns += columnsOf(character);
    if (columns > width) break;
    shown += character;
  }
  return `${shown}…`;
}

/** `printable(text)` and spaces, to at least `width` columns. */
export function fill(text: string, width: number): string {
  const whole = printable(text);
  return whole + ' '.repeat(Math.max(0, width - columnsOf(whole)));
}

/** Columns of the widest of `texts`. */
export function widestOf(texts: readonly string[]): number {
  return Math.max(0, ...texts.map((text) => columnsOf(printable(text))));
}
