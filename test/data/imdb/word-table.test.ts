import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { kerasTokenizer, type TokenizerOptions } from '../../../models/text/preprocessing.ts';
import { createTokenizer } from '../../../models/text/tokenize.ts';
import { fitVocabulary } from '../../../models/text/vocabulary.ts';
import { createWordTable } from '../../../src/data/imdb/word-table.ts';
import { readWordTable, writeWordTable } from '../../../src/data/imdb/word-table-file.ts';

const ascii: TokenizerOptions = { ...kerasTokenizer, lowercase: 'ascii' };

/** Words that meet again, letters of all lengths in UTF-8, and everything that parts words. */
const text = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        'the',
        'The',
        'a',
        'café',
        'CAFÉ',
        '映画',
        '🎬',
        "don't",
        ' ',
        '\n',
        '\t',
        '.',
        '--',
        '\u00a0',
        'İ',
      ),
      fc.string({ unit: 'binary' }).map((any) => any.replaceAll('\0', '')),
    ),
    { maxLength: 30 },
  )
  .map((parts) => parts.join(''));

test.each(['ascii', 'none'] as const)('lowercase %s: words and vocabulary are those of the tokenizer', (lowercase) => {
  fc.assert(
    fc.property(fc.array(text, { maxLength: 12 }), fc.nat(12), (texts, some) => {
      const tokenizer = { ...ascii, lowercase };
      const fitted = Math.min(some, texts.length);
      const { vocabulary, places, starts } = createWordTable(texts, fitted, tokenizer);
      expect(vocabulary).toEqual(fitVocabulary(texts.slice(0, fitted), tokenizer, { ties: 'word' }));
      expect(starts.length).toBe(texts.length + 1);
      const words = createTokenizer(tokenizer);
      for (const [index, content] of texts.entries()) {
        const expected = words(content).map((word) => vocabulary.indexOf(word));
        expect([...places.subarray(starts[index], starts[index + 1])]).toEqual(expected);
      }
    }),
    { numRuns: 300 },
  );
});

test('more words than its first tables hold', () => {
  const words = Array.from({ length: 300_000 }, (_, index) => `w${index.toString(36)}`);
  const { vocabulary, places } = createWordTable([words.join(' '), words.toReversed().join(' ')], 1, ascii);
  expect(vocabulary.length).toBe(words.length);
  const sorted = [...words].sort();
  expect(vocabulary).toEqual(sorted);
  expect(vocabulary[places[0] as number]).toBe('w0');
  expect([...places.subarray(0, words.length)].toReversed()).toEqual([...places.subarray(words.length)]);
});

test('a tokenizer that looks beyond ASCII is none of its', () => {
  expect(() => createWordTable([], 0, kerasTokenizer)).toThrow(expect.objectContaining({ code: 'INTERNAL' }));
  expect(() => createWordTable([], 0, { ...ascii, filters: '“' })).toThrow(
    expect.objectContaining({ code: 'INTERNAL' }),
  );
});

describe('as a file', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'recurrent-words-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));
  const table = createWordTable(['the fine café', 'the film', 'other words'], 2, ascii);

  test('comes back as it was', async () => {
    await writeWordTable(join(folder, 'words'), table);
    expect(await readWordTable(join(folder, 'words'))).toEqual(table);
  });

  test('is none when it is missing, cut short or damaged anywhere', async () => {
    const path = join(folder, 'damaged');
    expect(await readWordTable(path)).toBeUndefined();
    await writeWordTable(path, table);
    const whole = await readFile(path);
    for (let at = 0; at < whole.length; at++) {
      await writeFile(path, whole.subarray(0, at));
      expect(await readWordTable(path)).toBeUndefined();
      const flipped = Buffer.from(whole);
      flipped[at] = (flipped[at] as number) ^ 0x01;
      await writeFile(path, flipped);
      expect(await readWordTable(path)).toBeUndefined();
    }
  });
});
