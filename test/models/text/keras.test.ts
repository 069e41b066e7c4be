/** Against numbers that Keras computed: tools/fixtures/keras_text.py. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { createEncoder } from '../../../models/text/encoder.ts';
import { padSequences } from '../../../models/text/padding.ts';
import type { Side, TokenizerOptions } from '../../../models/text/preprocessing.ts';
import { tokenize } from '../../../models/text/tokenize.ts';
import { fitVocabulary } from '../../../models/text/vocabulary.ts';

interface Fixture {
  readonly texts: readonly string[];
  readonly tokenizers: readonly {
    readonly name: string;
    readonly lower: boolean;
    readonly filters: string;
    readonly oov: boolean;
    readonly numWords: number | null;
    readonly fitted: number;
    readonly words: readonly string[][];
    readonly vocabulary: readonly string[];
    readonly sequences: readonly number[][];
  }[];
  readonly sequences: readonly number[][];
  readonly paddings: readonly {
    readonly maxLength: number;
    readonly padding: Side;
    readonly truncating: Side;
    readonly padded: readonly number[][];
  }[];
}

const fixture: Fixture = JSON.parse(readFileSync(new URL('../../fixtures/text/keras.json', import.meta.url), 'utf8'));

describe.each(fixture.tokenizers)('Keras Tokenizer: $name', (keras) => {
  const tokenizer: TokenizerOptions = {
    lowercase: keras.lower ? 'unicode' : 'none',
    filters: keras.filters,
    startId: null,
    oovId: keras.oov ? 1 : null,
    firstWordId: keras.oov ? 2 : 1,
  };

  test.each(fixture.texts.map((text, index) => [index, text] as const))('words of text %i', (index, text) => {
    expect(tokenize(text, tokenizer)).toEqual(keras.words[index]);
  });

  test('vocabulary, ties included', () => {
    expect(fitVocabulary(fixture.texts.slice(0, keras.fitted), tokenizer)).toEqual(keras.vocabulary);
  });

  test('ids, before and after padding', () => {
    const { encode, encodeAll } = createEncoder({
      preprocessing: { tokenizer, maxLength: 6, padding: 'pre', truncating: 'post' },
      vocabulary: keras.vocabulary,
      vocabularySize: keras.numWords ?? tokenizer.firstWordId + keras.vocabulary.length,
    });
    expect(fixture.texts.map(encode)).toEqual(keras.sequences);
    const { ids, rows, time, lengths } = encodeAll(fixture.texts);
    expect([rows, time]).toEqual([fixture.texts.length, 6]);
    expect([...lengths]).toEqual(keras.sequences.map(({ length }) => length));
    const expected = keras.sequences.map((sequence) => [
      ...Array<number>(Math.max(0, 6 - sequence.length)).fill(0),
      ...sequence.slice(0, 6),
    ]);
    expect([...ids]).toEqual(expected.flat());
  });
});

describe.each(fixture.paddings)(
  'Keras pad_sequences: $maxLength, padding $padding, truncating $truncating',
  (keras) => {
    test('ids', () => {
      expect([...padSequences(fixture.sequences, keras)]).toEqual(keras.padded.flat());
    });
  },
);
