/** Vocabularies in every form that they come in: against Keras' own tokenizer, and against what they must not be. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { importModel } from '../../../models/importers/import-model.ts';
import type { ImportOptions } from '../../../models/importers/options.ts';
import { readVocabulary, type VocabularySource } from '../../../models/importers/vocabulary.ts';
import { planModel } from '../../../models/plan.ts';
import { createEncoder } from '../../../models/text/encoder.ts';
import { RecurrentError } from '../../../src/core/errors.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'recurrent-vocabulary-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const file = fileURLToPath(new URL('../../fixtures/importers/k3_lstm.keras', import.meta.url)); // ids 0 to 6, five a text

async function idsOf(text: string, options: ImportOptions): Promise<number[]> {
  const { model } = await importModel(file, options);
  return createEncoder({ ...model, vocabularySize: planModel(model.spec).vocabularySize }).encode(text);
}

async function written(name: string, contents: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, contents);
  return path;
}

const forms: Readonly<Record<string, VocabularySource>> = {
  'words in order': ['good', 'bad', 'film'],
  'words after padding and unknown': ['', '[UNK]', 'good', 'bad', 'film'],
  'words after <pad> and <unk>': ['<pad>', '<unk>', 'good', 'bad', 'film'],
  'words after the unknown': ['<OOV>', 'good', 'bad', 'film'],
  'ids by word': { film: 4, good: 2, bad: 3, '<OOV>': 1 },
  'ids by word, padding among them': { '<pad>': 0, '<unk>': 1, good: 2, bad: 3, film: 4 },
};

describe('a vocabulary', () => {
  it.each(Object.keys(forms))('of %s', async (form) => {
    expect(await idsOf('Good, strange film!', { vocabulary: forms[form] as VocabularySource })).toEqual([2, 1, 4]);
  });

  it('of lines', async () => {
    for (const [name, text] of [
      ['unix.txt', 'good\nbad\nfilm\n'],
      ['windows.txt', 'good\r\nbad\r\nfilm'],
      ['padded.txt', '\n[UNK]\ngood\nbad\nfilm\n'],
    ] as const) {
      expect(await idsOf('good strange film', { vocabulary: await written(name, text) })).toEqual([2, 1, 4]);
    }
  });

  it('of word_index without an unknown word drops those', async () => {
    expect(await idsOf('good strange film', { vocabulary: { good: 1, bad: 2, film: 3 } })).toEqual([1, 3]);
  });

  it('of keras.datasets.imdb, whose ids begin three further on', async () => {
    const tokenizer = { firstWordId: 4, oovId: 2, startId: 1 };
    expect(await idsOf('the strange film', { vocabulary: { the: 1, film: 2 }, tokenizer })).toEqual([1, 4, 2, 5]);
  });

  it('of Tokenizer.to_json(), written as it is or once more as JSON', async () => {
    const config = {
      num_words: 4,
      filters: '!,',
      lower: false,
      split: ' ',
      char_level: false,
      oov_token: '<?>',
      word_index: JSON.stringify({ '<?>': 1, good: 2, bad: 3, film: 4 }),
    };
    const json = JSON.stringify({ class_name: 'Tokenizer', config });
    for (const [name, text] of [
      ['tokenizer.json', json],
      ['twice.json', JSON.stringify(json)],
    ] as const) {
      const vocabulary = await written(name, text);
      // num_words 4 keeps ids below 4, capitals stay, and the full stop is no filter
      expect(await idsOf('good,bad film Good bad.', { vocabulary })).toEqual([2, 3, 1, 1, 1]);
    }
    const characters = await written(
      'characters.json',
      JSON.stringify({ class_name: 'Tokenizer', config: { ...config, char_level: true } }),
    );
    await expect(importModel(file, { vocabulary: characters })).rejects.toMatchObject({
      code: 'DATA_INVALID',
      message: expect.stringContaining('into characters'),
    });
  });

  it('with a word that may begin each text is asked about', async () => {
    const vocabulary = { '<pad>': 0, '<s>': 1, '<unk>': 2, good: 3 };
    await expect(importModel(file, { vocabulary })).rejects.toMatchObject({
      code: 'IMPORT_AMBIGUOUS',
      hint: expect.stringContaining('--start-id'),
    });
    expect(await idsOf('good', { vocabulary, tokenizer: { startId: 1 } })).toEqual([1, 3]);
    expect(await idsOf('good', { vocabulary, tokenizer: { startId: null } })).toEqual([3]);
  });

  it.each([
    ['an id that pads', { good: 0, bad: 1 }, /gives "good" the id 0, which pads/],
    ['an id twice', { good: 2, bad: 2 }, /the same id 2/],
    ['a gap', { good: 2, bad: 4 }, /no word of id 3, but one of 4/],
    ['half an id', { good: 1.5 }, /no whole number/],
    ['an id below zero', { good: -1 }, /no whole number/],
    ['a word twice', ['good', 'good'], /"good" twice/],
    ['an empty word', ['good', '', 'bad'], /an empty word/],
    ['no word', [], /holds no word/],
    ['padding alone', { '<pad>': 0 }, /holds no word/],
    ['the unknown word at its end', { good: 1, bad: 2, '<unk>': 3 }, /must have an id below/],
    ['numbers for words', [1, 2], /not a word/],
    ['neither', 7, /neither a list of words/],
  ])('with %s is refused', (_, source, message) => {
    expect(() => readVocabulary(source, 'words')).toThrow(
      expect.objectContaining({ code: 'DATA_INVALID', message: expect.stringMatching(message) }),
    );
  });

  it('larger than the model is cut where that is said, and else refused', async () => {
    const vocabulary = ['good', 'bad', 'film', 'plot', 'long', 'end', 'cast'];
    await expect(importModel(file, { vocabulary })).rejects.toMatchObject({
      code: 'OPTION_INVALID',
      message: expect.stringContaining('the model has ids below 7'),
    });
    expect(await idsOf('good long end', { vocabulary, vocabularySize: 7 })).toEqual([2, 6, 1]);
    expect(await idsOf('good long end', { vocabulary, vocabularySize: 5 })).toEqual([2, 1, 1]);
    await expect(importModel(file, { vocabulary, vocabularySize: 8 })).rejects.toMatchObject({
      code: 'OPTION_INVALID',
    });
    await expect(importModel(file, { vocabulary, vocabularySize: 2 })).rejects.toMatchObject({
      message: expect.stringContaining('leave no word'),
    });
  });

  it('of anything that JSON can say is words or a typed error', () => {
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), fc.dictionary(fc.string(), fc.integer()), fc.array(fc.string())), (json) => {
        try {
          const { words } = readVocabulary(json, 'words');
          expect(words.length).toBeGreaterThan(0);
          expect(new Set(words).size).toBe(words.length);
        } catch (error) {
          expect(error).toBeInstanceOf(RecurrentError);
        }
      }),
    );
  });

  it('keeps every word at its id', () => {
    const entries = fc
      .uniqueArray(fc.stringMatching(/^[a-z]{1,6}$/), { minLength: 1, maxLength: 20 })
      .filter((words) => !words.includes('unk'));
    fc.assert(
      fc.property(entries, fc.integer({ min: 1, max: 9 }), fc.infiniteStream(fc.nat()), (words, first, order) => {
        const shuffled = words
          .map((word, index) => ({ word, id: first + index, key: order.next().value }))
          .sort((a, b) => a.key - b.key);
        const read = readVocabulary(Object.fromEntries(shuffled.map(({ word, id }) => [word, id])), 'words');
        expect(read.words).toEqual(words);
        expect(read.tokenizer.firstWordId).toBe(first);
      }),
    );
  });
});

describe('options', () => {
  const vocabulary = ['good', 'bad'];
  it.each([
    ['an unknown one', { vocabulary, lable: 1 } as ImportOptions, 'OPTION_UNKNOWN', /no option lable/],
    ['a length of none', { vocabulary, maxLength: 0 }, 'OPTION_INVALID', /maxLength/],
    ['three labels for two classes', { vocabulary, labels: ['a', 'b', 'c'] }, 'DATA_LABELS', /3 labels for 2 classes/],
    ['a label twice', { vocabulary, labels: ['a', 'a'] }, 'DATA_LABELS', /there twice/],
    ['an unknown id among the words', { vocabulary, tokenizer: { oovId: 5 } }, 'OPTION_INVALID', /below firstWordId 2/],
    ['no vocabulary', {}, 'IMPORT_AMBIGUOUS', /no vocabulary/],
    [
      'what is for PyTorch',
      { vocabulary, pytorch: { pooling: 'max' } },
      'OPTION_UNSUPPORTED',
      /pytorch\.pooling does not go with/,
    ],
  ] as const)('%s', async (_, options, code, message) => {
    await expect(importModel(file, options)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });

  it('files that are none', async () => {
    await expect(importModel(join(folder, 'none.keras'), {})).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
    await expect(importModel(folder, {})).rejects.toMatchObject({
      code: 'IMPORT_INVALID',
      message: expect.stringContaining('without model.json'),
    });
    await expect(importModel(await written('text.bin', 'hello'), {})).rejects.toMatchObject({
      code: 'IMPORT_INVALID',
      message: expect.stringContaining('no known form'),
    });
    await writeFile(join(folder, 'latin1.txt'), Buffer.from([0xe9, 0x0a]));
    await expect(importModel(file, { vocabulary: join(folder, 'latin1.txt') })).rejects.toMatchObject({
      code: 'DATA_INVALID',
      message: expect.stringContaining('is not UTF-8'),
    });
    await expect(importModel(file, { vocabulary: await written('words.json', '{') })).rejects.toMatchObject({
      code: 'DATA_INVALID',
    });
  });
});
