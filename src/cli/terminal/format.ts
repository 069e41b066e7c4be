/** Texts as a terminal may show them. */

/** One line without control characters or changes of direction: what stands in a file must not steer a terminal. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}\s]+/gu, ' ').trim();
}

/** At most `width` characters of `printable(text)`. */
export function excerpt(text: string, width: number): string {
  const characters = [...printable(text.slice(0, 16 * width))];
  return characters.length <= width ? characters.join('') : `${characters.slice(0, width - 1).join('')}…`;
}
