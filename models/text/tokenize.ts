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
  const separators = [...` ${options.filters}`].map((character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
  const word = new RegExp(`[^${separators.join('')}]+`, 'gu');
  return (text) => lower(text).match(word) ?? [];
}

/** The words of one text. For many texts, {@link createTokenizer} prepares the options once. */
export function tokenize(text: string, options: TokenizerOptions): string[] {
  return createTokenizer(options)(text);
}
