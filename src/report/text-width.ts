/** There is no page to measure on: a width that holds in the fonts that charts are shown in, rather a bit too much. */

const wide = /[\p{Script=Han}\p{Script=Hangul}\p{Script=Hiragana}\p{Script=Katakana}\p{Extended_Pictographic}]/u;
const narrow = /[ilj.,:;'|!()[\]ft1 ]/;
const broad = /[MWmw@%A-Z]/;

/** Pixels of `words` in letters of `size` pixels. */
export function textWidth(words: string, size = 12): number {
  let ems = 0;
  for (const letter of words)
    ems += wide.test(letter) ? 1 : narrow.test(letter) ? 0.38 : broad.test(letter) ? 0.8 : 0.62;
  return ems * size;
}

/** `words`, or as many of their letters as fit into `width` pixels and an ellipsis. */
export function fitText(words: string, width: number, size = 12): string {
  if (textWidth(words, size) <= width) return words;
  const letters = [...words];
  while (letters.length > 1 && textWidth(`${letters.join('')}…`, size) > width) letters.pop();
  return `${letters.join('').trimEnd()}…`;
}

/** Lines of `words` no wider than `width` pixels, broken at spaces; a single word may be wider. */
export function wrapText(words: string, width: number, size = 12): string[] {
  const lines: string[] = [];
  for (const word of words.split(' ')) {
    const line = lines.at(-1);
    if (line !== undefined && textWidth(`${line} ${word}`, size) <= width) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines;
}
