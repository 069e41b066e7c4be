import type { TokenizerOptions } from './preprocessing.ts';

/** Splits a text into words. */
export type Tokenizer = (text: string) => string[];

const lowercase = {
  unicode: (text: string) => text.toLowerCase(),
  ascii: (text: string) => text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase()),
  none: (text: string) => text,
} as const satisfies Record<TokenizerOptions['lowercase'], (text: string) => string>;

/**
 * The tokenizer of Keras: the text is lowercased, each filtered character becomes a space, and what stands between
 * spaces is a word. Only U+0020 separates: other white space stays inside words unless it is filtered.
 */
export function createTokenizer(options: TokenizerOptions): Tokenizer {
  const lower = lowercase[options.lowercase];
  const word = wordsOf(options);
  return (text) => lower(text).match(word) ?? [];
}

/** What stands between spaces and filtered characters. */
function wordsOf({ filters }: TokenizerOptions): RegExp {
  const separators = [...` ${filters}`].map((character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
  return new RegExp(`[^${separators.join('')}]+`, 'gu');
}

/** The words of one text. For many texts, {@link createTokenizer} prepares the options once. */
export function tokenize(text: string, options: TokenizerOptions): string[] {
  return createTokenizer(options)(text);
}

/** A word and where it stands: `text.slice(start, end)`, in UTF-16 code units. */
export interface LocatedWord {
  readonly word: string;
  readonly start: number;
  readonly end: number;
}

/** The words of {@link createTokenizer} with their places. Lowercasing may change how long a text is. */
export function locateWords(text: string, options: TokenizerOptions): LocatedWord[] {
  const lower = lowercase[options.lowercase];
  const lowered = lower(text);
  /** Places in the text by places in the lowered one, where they differ. */
  let placeOf = (at: number) => at;
  if (lowered.length !== text.length) {
    const places: number[] = [];
    let at = 0;
    for (const character of text) {
      for (let unit = lower(character).length; unit > 0; unit--) places.push(at);
      at += character.length;
    }
    placeOf = (index) => places[index] ?? text.length;
  }
  return [...lowered.matchAll(wordsOf(options))].map(({ 0: word, index }) => ({
    word,
    start: placeOf(index),
    end: placeOf(index + word.length),
  }));
}
