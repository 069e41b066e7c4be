import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createEncoder } from '../../../models/text/encoder.ts';
import { padSequences } from '../../../models/text/padding.ts';
import {
  kerasTokenizer,
  preprocessingSchema,
  type TokenizerOptions,
  tokenizerSchema,
} from '../../../models/text/preprocessing.ts';
import { tokenize } from '../../../models/text/tokenize.ts';
import { fitVocabulary } from '../../../models/text/vocabulary.ts';

/** The conventions of keras.datasets.imdb: start id 1, out of vocabulary 2, words from 4. */
const imdbTokenizer: TokenizerOptions = {
  ...kerasTokenizer,
  lowercase: 'ascii',
  startId: 1,
  oovId: 2,
  firstWordId: 4,
};

/** Any sequence of UTF-16 code units: lone surrogates, NUL, right-to-left marks, separators. */
const anyText = fc
  .array(fc.oneof(fc.nat(0xffff), fc.nat(0x7f), fc.constantFrom(0x20, 0xd83d, 0xde00, 0x5d0)))
  .map((units) => String.fromCharCode(...units));
const anyTokenizer = fc.record({
  lowercase: fc.constantFrom('unicode', 'ascii', 'none'),
  filters: fc.oneof(fc.constant(kerasTokenizer.filters), anyText),
  startId: fc.constantFrom(null, 1),
  oovId: fc.constantFrom(null, 2),
  firstWordId: fc.constantFrom(3, 7),
} satisfies { [K in keyof TokenizerOptions]: fc.Arbitrary<TokenizerOptions[K]> });
const sides = fc.constantFrom('pre', 'post');

describe('tokenize', () => {
  test('words hold no separator, none is empty, and nothing else is lost', () => {
    fc.assert(
      fc.property(anyText, anyTokenizer, (text, options) => {
        const separators = new Set(` ${options.filters}`);
        const words = tokenize(text, { ...options, lowercase: 'none' });
        expect(words.every((word) => word !== '' && [...word].every((character) => !separators.has(character)))).toBe(
          true,
        );
        expect(words.join('')).toBe([...text].filter((character) => !separators.has(character)).join(''));
      }),
    );
  });

  test('ascii lowers A–Z only', () => {
    expect(tokenize('ÀB Éc İ ΑΣ', imdbTokenizer)).toEqual(['Àb', 'Éc', 'İ', 'ΑΣ']);
  });
});

describe('fitVocabulary', () => {
  test('falls by count, and holds each word once', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'toString')).map((w) => w.join(' '))),
        (texts) => {
          const count = (word: string) =>
            texts
              .join(' ')
              .split(' ')
              .filter((other) => other === word).length;
          const counts = fitVocabulary(texts, kerasTokenizer).map((word) =>
            count(word.replace('tostring', 'toString')),
          );
          expect(counts).toEqual(counts.toSorted((a, b) => b - a));
          expect(counts.reduce((sum, value) => sum + value, 0)).toBe(
            texts.flatMap((t) => t.split(' ')).filter(Boolean).length,
          );
        },
      ),
    );
  });

  test('ties: first seen, as Keras, or by the word', () => {
    const texts = ['pear fig', 'apple pear'];
    expect(fitVocabulary(texts, kerasTokenizer)).toEqual(['pear', 'fig', 'apple']);
    expect(fitVocabulary(texts, kerasTokenizer, { ties: 'word' })).toEqual(['pear', 'apple', 'fig']);
    expect(fitVocabulary(texts.toReversed(), kerasTokenizer, { ties: 'word' })).toEqual(['pear', 'apple', 'fig']);
  });

  test('limit keeps the most frequent', () => {
    expect(fitVocabulary(['c a a b b b'], kerasTokenizer, { limit: 2 })).toEqual(['b', 'a']);
    expect(fitVocabulary([], kerasTokenizer)).toEqual([]);
  });
});

describe('createEncoder', () => {
  const preprocessing = { tokenizer: imdbTokenizer, maxLength: 4, padding: 'pre', truncating: 'pre' } as const;

  test('start id, unknown words and words above the vocabulary size', () => {
    const encoder = createEncoder({ preprocessing, vocabulary: ['the', 'film', 'rare'], vocabularySize: 6 });
    expect(encoder.encode('The rare film, unseen')).toEqual([1, 4, 2, 5, 2]);
    expect(encoder.encode('')).toEqual([1]);
    expect(encoder.encodeAll(['The rare film, unseen', '', 'film'])).toEqual({
      ids: Int32Array.of(4, 2, 5, 2, 0, 0, 0, 1, 0, 0, 1, 5),
      rows: 3,
      time: 4,
      lengths: Int32Array.of(5, 1, 2),
      words: 5,
      unknownWords: 2,
    });
  });

  test('unknown words are dropped, and counted, where there is no id for them', () => {
    const tokenizer = { ...imdbTokenizer, oovId: null };
    const encoder = createEncoder({
      preprocessing: { ...preprocessing, tokenizer },
      vocabulary: ['the', 'film'],
      vocabularySize: 5,
    });
    expect(encoder.encode('the film unseen')).toEqual([1, 4]);
    expect(encoder.encodeAll(['the film unseen'])).toMatchObject({ words: 3, unknownWords: 2 });
  });

  test('every id of every text is inside the vocabulary, whatever the text', () => {
    fc.assert(
      fc.property(
        fc.array(anyText),
        anyTokenizer,
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 5 }),
        sides,
        sides,
        (texts, tokenizer, maxLength, room, padding, truncating) => {
          const vocabularySize = tokenizer.firstWordId + room;
          const { ids, lengths, words, unknownWords } = createEncoder({
            preprocessing: preprocessingSchema.parse({ tokenizer, maxLength, padding, truncating }),
            vocabulary: fitVocabulary(texts.slice(1), tokenizer),
            vocabularySize,
          }).encodeAll(texts);
          expect(ids.every((id) => id >= 0 && id < vocabularySize)).toBe(true);
          const starts = tokenizer.startId === null ? 0 : texts.length;
          const dropped = tokenizer.oovId === null ? unknownWords : 0;
          expect(lengths.reduce((sum, length) => sum + length, 0)).toBe(starts + words - dropped);
        },
      ),
    );
  });

  test('refusals', () => {
    const create = (vocabulary: string[], vocabularySize: number) => () =>
      createEncoder({ preprocessing, vocabulary, vocabularySize });
    expect(create(['the'], 4)).toThrow(expect.objectContaining({ code: 'OPTION_INVALID', hint: 'Choose at least 5.' }));
    expect(create(['the', 'film', 'the'], 10)).toThrow(
      expect.objectContaining({ message: expect.stringContaining('"the"') }),
    );
  });
});

describe('tokenizerSchema', () => {
  test.each([
    { startId: 4, oovId: 2 },
    { startId: 1, oovId: 5 },
    { startId: 2, oovId: 2 },
  ])('refuses ids that collide: %o', (ids) => {
    expect(tokenizerSchema.safeParse({ ...imdbTokenizer, ...ids }).success).toBe(false);
  });

  test.each([kerasTokenizer, imdbTokenizer, { ...kerasTokenizer, oovId: null, firstWordId: 1 }])(
    'takes %o',
    (options) => {
      expect(tokenizerSchema.parse(options)).toEqual(options);
    },
  );
});

describe('padSequences', () => {
  test('each row is the zeros and the ids of its sides', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.nat(99), { maxLength: 12 })),
        fc.integer({ min: 1, max: 10 }),
        sides,
        sides,
        (sequences, maxLength, padding, truncating) => {
          const rows = sequences.map((sequence) => {
            const kept = truncating === 'pre' ? sequence.slice(-maxLength) : sequence.slice(0, maxLength);
            const zeros = Array<number>(maxLength - kept.length).fill(0);
            return padding === 'pre' ? [...zeros, ...kept] : [...kept, ...zeros];
          });
          expect([...padSequences(sequences, { maxLength, padding, truncating })]).toEqual(rows.flat());
        },
      ),
    );
  });

  test('a matrix that cannot fit into memory is refused before it is allocated', () => {
    const sequences = Array<number[]>(2000).fill([1]);
    expect(() => padSequences(sequences, { maxLength: 1_000_000, padding: 'pre', truncating: 'pre' })).toThrow(
      expect.objectContaining({ code: 'OPTION_INVALID', message: expect.stringContaining('7.5 GiB') }),
    );
  });
});
