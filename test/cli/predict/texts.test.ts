/** Texts from files of each form, cut into parts anywhere, packed or not, damaged in each way. */
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { formatOf, openTexts, type TextFormat } from '../../../src/cli/predict/texts.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'texts-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function read(contents: string | Uint8Array, format: TextFormat, column = 'text'): Promise<string[]> {
  const path = join(folder, 'texts');
  await writeFile(path, contents);
  const source = await openTexts(path, { format, column });
  const texts: string[] = [];
  for await (const some of source.texts()) texts.push(...some);
  expect(source.position).toBe(source.size);
  return texts;
}

const csvCell = (text: string) => `"${text.replaceAll('"', '""')}"`;

/** Any text that a file can hold: no NUL, whole characters. */
const anyText = fc
  .string({ unit: 'binary', maxLength: 12 })
  .filter((text) => !/[\0\p{Surrogate}]/u.test(text) && !text.startsWith('\ufeff'));
const someTexts = fc.array(anyText, { minLength: 1, maxLength: 40 });

describe('any texts come back as they were written', () => {
  test.each<[TextFormat, (text: string) => string, (texts: readonly string[]) => string]>([
    ['txt', (text) => text.replace(/[\r\n]/g, ' '), (texts) => texts.map((text) => `${text}\n`).join('')],
    ['csv', (text) => text, (texts) => `id,text\n${texts.map((text, id) => `${id},${csvCell(text)}`).join('\r\n')}`],
    ['tsv', (text) => text, (texts) => `text\tid\n${texts.map((text, id) => `${csvCell(text)}\t${id}`).join('\n')}\n`],
    ['jsonl', (text) => text, (texts) => texts.map((text) => `${JSON.stringify({ text })}\n`).join('')],
  ])('%s', async (format, clean, write) => {
    await fc.assert(
      fc.asyncProperty(someTexts, async (given) => {
        const texts = given.map(clean);
        const contents = Buffer.from(write(texts));
        expect(await read(contents, format)).toEqual(texts);
        const half = Math.floor(contents.length / 2);
        const members = [contents.subarray(0, half), contents.subarray(half)].map((part) => gzipSync(part));
        expect(await read(Buffer.concat(members), format)).toEqual(texts);
      }),
      { numRuns: 60 },
    );
  });

  test('over many parts of a file, with characters cut at their borders', async () => {
    const texts = Array.from({ length: 60_000 }, (_, at) => `${at} ${'é漢🙂'.repeat(at % 20)}`);
    expect(await read(`\ufeff${texts.join('\n')}`, 'txt')).toEqual(texts);
    expect(await read(texts.map((text) => JSON.stringify({ text })).join('\n\n'), 'jsonl')).toEqual(texts);
    expect(await read(`text\n${texts.map(csvCell).join('\n')}`, 'csv')).toEqual(texts);
  });
});

test('the last line may end or not, lines may end as on Windows, empty ones are texts', async () => {
  expect(await read('a\r\n\r\nb', 'txt')).toEqual(['a', '', 'b']);
  expect(await read('a\n\n', 'txt')).toEqual(['a', '']);
});

test('another column can be named', async () => {
  expect(await read('id,review\n1,fine', 'csv', 'review')).toEqual(['fine']);
  expect(await read('{"review": "fine"}', 'jsonl', 'review')).toEqual(['fine']);
});

test.each<[TextFormat, string]>([
  ['csv', 'id;text\n1;fine'],
  ['csv', '\n"a, b"\ttext\n1\tfine'],
  ['csv', 'a;b,text\n1,fine'],
  ['tsv', 'a;b\ttext\n1\tfine'],
])('cells of a .%s %j are divided by what its header says', async (format, table) => {
  expect(await read(table, format)).toEqual(['fine']);
});

describe('refused are', () => {
  const long = 'x'.repeat(5 * 2 ** 20);
  const packed = gzipSync('text number one\n'.repeat(5000));
  test.each<[string, TextFormat, string | Uint8Array, string]>([
    ['nothing', 'txt', '', 'DATA_INVALID'],
    ['nothing, packed', 'txt', gzipSync(''), 'DATA_INVALID'],
    ['NUL bytes', 'txt', 'a\0b', 'DATA_INVALID'],
    ['bytes that are no UTF-8', 'txt', Buffer.from([0x63, 0xe9, 0x0a]), 'DATA_INVALID'],
    ['a character that the end cuts', 'txt', Buffer.from('é').subarray(0, 1), 'DATA_INVALID'],
    ['a line of 5 MiB', 'txt', long, 'DATA_INVALID'],
    ['a line of 5 MiB in a small file', 'txt', gzipSync(long), 'DATA_INVALID'],
    ['gzip that is cut short', 'txt', packed.subarray(0, packed.length - 9), 'DATA_INVALID'],
    ['gzip with a wrong byte', 'txt', Buffer.from(packed).fill(0x55, 40, 60), 'DATA_INVALID'],
    ['a table without the column', 'csv', 'id,review\n1,fine\n', 'DATA_NOT_FOUND'],
    ['a table with the column twice', 'csv', 'text,text\none,two\n', 'DATA_INVALID'],
    ['ragged rows', 'csv', 'id,text\n1,fine\n2\n', 'DATA_INVALID'],
    ['a quote that is never closed', 'csv', `text\n"${long}`, 'DATA_INVALID'],
    ['a line that is no JSON', 'jsonl', '{"text": "a"}\n{"text"\n', 'DATA_INVALID'],
    ['a line that is no object', 'jsonl', '["text"]\n', 'DATA_INVALID'],
    ['a line without the field', 'jsonl', '{"review": "a"}\n', 'DATA_NOT_FOUND'],
    ['a field of an ancestor', 'jsonl', '{"a": 1}\n', 'DATA_NOT_FOUND'],
    ['a text that is no string', 'jsonl', '{"text": 7}\n', 'DATA_INVALID'],
  ])('%s', async (_, format, contents, code) => {
    await expect(read(contents, format)).rejects.toMatchObject({ code });
  });

  test('a file that is not there, and a folder', async () => {
    await expect(openTexts(join(folder, 'none'), { column: 'text' })).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
    await expect(openTexts(folder, { column: 'text' })).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
  });

  test('eight gigabytes of nothing, at once', async () => {
    const path = join(folder, 'huge.txt');
    await writeFile(path, 'a\n');
    await truncate(path, 8 * 1024 ** 3); // sparse: takes no room on the disk
    const source = await openTexts(path, { column: 'text' });
    await expect(source.texts().next()).rejects.toMatchObject({ code: 'DATA_INVALID' });
    expect(source.position).toBeLessThan(2 ** 22);
  });
});

test.each([
  ['mails.csv', 'csv'],
  ['MAILS.CSV.GZ', 'csv'],
  ['a/b.jsonl.gz', 'jsonl'],
  ['b.tsv', 'tsv'],
  ['b.ndjson', 'jsonl'],
  ['notes.md', undefined],
  ['gz', undefined],
  ['-', undefined],
])('%s holds %s', (path, format) => expect(formatOf(path)).toBe(format));
