import { fail } from '../../src/core/errors.ts';
import { allocateIds, writeRow } from './padding.ts';
import type { Preprocessing, TokenizerOptions } from './preprocessing.ts';
import { createTokenizer } from './tokenize.ts';

/** What an encoder needs of a model. */
export interface EncoderOptions {
  /** How texts become words, and how many are read. */
  readonly preprocessing: Preprocessing;
  /** Word i has id `firstWordId + i`. */
  readonly vocabulary: readonly string[];
  /** Ids are 0 … vocabularySize − 1: words whose id would be above are out of vocabulary. */
  readonly vocabularySize: number;
}

/** Texts as ids of one length. */
export interface EncodedTexts {
  /** Padded token ids, [rows, time]. */
  readonly ids: Int32Array<ArrayBuffer>;
  /** Texts. */
  readonly rows: number;
  /** Ids of each. */
  readonly time: number;
  /** Ids of each text before padding and truncating, [rows]. */
  readonly lengths: Int32Array<ArrayBuffer>;
  /** Words in all texts, those that truncating cuts included. */
  readonly words: number;
  /** How many of these words are out of vocabulary. */
  readonly unknownWords: number;
}

/** How texts become words, and words to look them up in. */
export interface Lexicon {
  /** How texts become words. */
  readonly tokenizer: TokenizerOptions;
  /** By falling count. */
  readonly vocabulary: readonly string[];
}

/** A text as ids. */
export interface EncodedText {
  /** Neither padded nor truncated. */
  readonly ids: readonly number[];
  /** Words of the text. */
  readonly words: number;
  /** How many of them are out of vocabulary. */
  readonly unknownWords: number;
}

/** Turns texts into ids, as a model reads them. */
export interface Encoder {
  /** The ids of a text, neither padded nor truncated. */
  encode(text: string): number[];
  /** The same with its words counted. */
  encodeText(text: string): EncodedText;
  /** The ids of all texts, padded or cut to the length that the model reads. */
  encodeAll(texts: readonly string[]): EncodedTexts;
  /** Whether texts have the words of `lexicon` for this encoder, and its vocabulary is the beginning of that one. */
  agreesWith(lexicon: Lexicon): boolean;
  /**
   * What `encodeAll` gives for texts whose words were looked up before, in a lexicon that the encoder agrees with.
   * @param texts the places of each text's words in that vocabulary; −1 for words that it lacks
   */
  encodePlaces(texts: readonly Int32Array[]): EncodedTexts;
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
  const wordIds = new Map<string, number>();
  for (const [index, word] of vocabulary.entries()) wordIds.set(word, firstWordId + index);
  if (wordIds.size !== vocabulary.length) {
    const repeated = vocabulary.find((word, index) => wordIds.get(word) !== firstWordId + index);
    fail('OPTION_INVALID', `the vocabulary holds "${repeated}" twice`, 'Give each word once, by falling count.');
  }
  const tokens = createTokenizer(tokenizer);

  function readWords(text: string): Sequence {
    return sequenceOf(tokens(text).map((word) => wordIds.get(word)));
  }

  function sequenceOf(words: ArrayLike<number | undefined>): Sequence {
    const ids = startId === null ? [] : [startId];
    let unknownWords = 0;
    for (let at = 0; at < words.length; at++) {
      const id = words[at];
      if (id !== undefined && id < vocabularySize) {
        ids.push(id);
      } else {
        unknownWords++;
        if (oovId !== null) ids.push(oovId);
      }
    }
    return { ids, words: words.length, unknownWords };
  }

  function encodeEach<Text>(texts: readonly Text[], read: (text: Text) => Sequence): EncodedTexts {
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

  /** Beyond the encoder's own vocabulary a place is no word, as one that no vocabulary has. */
  const idOf = (place: number) => (place < 0 || place >= vocabulary.length ? noWord : firstWordId + place);

  return {
    encode: (text) => readWords(text).ids,
    encodeText: readWords,
    encodeAll: (texts) => encodeEach(texts, readWords),
    agreesWith: (lexicon) =>
      splitAlike(lexicon.tokenizer, tokenizer) && vocabulary.every((word, place) => lexicon.vocabulary[place] === word),
    encodePlaces: (texts) => encodeEach(texts, (places) => sequenceOf(places.map(idOf))),
  };
}

interface Sequence extends EncodedText {
  readonly ids: number[];
}

function splitAlike(a: TokenizerOptions, b: TokenizerOptions): boolean {
  return a.lowercase === b.lowercase && a.filters === b.filters;
}

/** Above every id of a vocabulary. */
const noWord = 2 ** 31 - 1;
