import type { TokenizerOptions } from './preprocessing.ts';
import { createTokenizer } from './tokenize.ts';

/**
 * The order of words that occur equally often. It is asked for when a vocabulary is fitted and is no part of the
 * model: a fitted vocabulary states its order itself.
 *
 * - `firstSeen`: as Keras' `Tokenizer`, whose stable sort keeps the order in which the words first appear.
 * - `word`: by the word itself (UTF-16 code units), so that the vocabulary does not depend on the order of the texts;
 *   for recipes that fix no order, such as `keras.datasets.imdb`.
 */
export type TieRule = 'firstSeen' | 'word';

/** Which words a vocabulary keeps, and in which order. */
export interface VocabularyOptions {
  /** Keeps this many of the most frequent words. Default: all. */
  readonly limit?: number;
  /** Default: `firstSeen`. */
  readonly ties?: TieRule;
}

/** The words of `texts` by falling count: word i of the result has id `firstWordId + i`. */
export function fitVocabulary(
  texts: Iterable<string>,
  tokenizer: TokenizerOptions,
  { limit = Number.POSITIVE_INFINITY, ties = 'firstSeen' }: VocabularyOptions = {},
): string[] {
  const words = createTokenizer(tokenizer);
  const places = new Map<string, number>();
  const counts: number[] = [];
  for (const text of texts) {
    for (const word of words(text)) {
      const place = places.get(word);
      if (place === undefined) {
        places.set(word, counts.length);
        counts.push(1);
      } else {
        counts[place] = (counts[place] as number) + 1;
      }
    }
  }
  const order = tieOrders[ties];
  return [...places]
    .sort(([a, first], [b, second]) => (counts[second] as number) - (counts[first] as number) || order(a, b))
    .slice(0, limit)
    .map(([word]) => word);
}

const tieOrders = {
  firstSeen: () => 0,
  word: (a, b) => (a < b ? -1 : 1),
} as const satisfies Record<TieRule, (a: string, b: string) => number>;
