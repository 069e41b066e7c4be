import { fail } from '../../src/core/errors.ts';
import { allocateIds, writeRow } from './padding.ts';
import type { Preprocessing } from './preprocessing.ts';
import { createTokenizer } from './tokenize.ts';

export interface EncoderOptions {
  readonly preprocessing: Preprocessing;
  /** Word i has id `firstWordId + i`. */
  readonly vocabulary: readonly string[];
  /** Ids are 0 … vocabularySize − 1: words whose id would be above are out of vocabulary. */
  readonly vocabularySize: number;
}

export interface EncodedTexts {
  /** Padded token ids, [rows, time]. */
  readonly ids: Int32Array<ArrayBuffer>;
  readonly rows: number;
  readonly time: number;
  /** Ids of each text before padding and truncating, [rows]. */
  readonly lengths: Int32Array<ArrayBuffer>;
  /** Words in all texts, those that truncating cuts included. */
  readonly words: number;
  /** How many of these words are out of vocabulary. */
  readonly unknownWords: number;
}

export interface Encoder {
  /** The ids of a text, neither padded nor truncated. */
  encode(text: string): number[];
  encodeAll(texts: readonly string[]): EncodedTexts;
}

/**
 * Turns texts into token ids.
 *
 * @throws OPTION_INVALID when `vocabularySize` has no room for a word, or a word is in the vocabulary twice
 */
export function createEncoder({ preprocessing, vocabulary, vocabularySize }: EncoderOptions): Encoder {
  const { tokenizer, maxLength } = preprocessing;
  const { startId, oovId, firstWordId } = tokenizer;
  if (vocabularySize <= firstWordId) {
    fail(
      'OPTION_INVALID',
      `a vocabulary size of ${vocabularySize} has no room for a word: their ids begin at ${firstWordId}`,
      `Choose at least ${firstWordId + 1}.`,
    );
  }
  const wordIds = new Map(vocabulary.map((word, index) => [word, firstWordId + index]));
  if (wordIds.size !== vocabulary.length) {
    const repeated = vocabulary.find((word, index) => wordIds.get(word) !== firstWordId + index);
    fail('OPTION_INVALID', `the vocabulary holds "${repeated}" twice`, 'Give each word once, by falling count.');
  }
  const tokens = createTokenizer(tokenizer);

  function read(text: string): { ids: number[]; words: number; unknownWords: number } {
    const ids = startId === null ? [] : [startId];
    const words = tokens(text);
    let unknownWords = 0;
    for (const word of words) {
      const id = wordIds.get(word);
      if (id !== undefined && id < vocabularySize) {
        ids.push(id);
      } else {
        unknownWords++;
        if (oovId !== null) ids.push(oovId);
      }
    }
    return { ids, words: words.length, unknownWords };
  }

  function encodeAll(texts: readonly string[]): EncodedTexts {
    const ids = allocateIds(texts.length, maxLength);
    const lengths = new Int32Array(texts.length);
    let words = 0;
    let unknownWords = 0;
    for (const [row, text] of texts.entries()) {
      const sequence = read(text);
      lengths[row] = sequence.ids.length;
      words += sequence.words;
      unknownWords += sequence.unknownWords;
      writeRow(ids, row, sequence.ids, preprocessing);
    }
    return { ids, rows: texts.length, time: maxLength, lengths, words, unknownWords };
  }

  return { encode: (text) => read(text).ids, encodeAll };
}
