/** Texts from a file or standard input of any size, in order, a few thousand in memory at a time. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { extname } from 'node:path';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { CsvError, parse } from 'csv-parse';
import { fail, RecurrentError } from '../../core/errors.ts';
import { fileError } from '../../core/files.ts';
import { columnHint } from '../../data/readers/reader.ts';
import { type Delimiter, openTable } from '../../data/readers/table.ts';
import { utf8Parts } from '../../data/readers/utf8.ts';

export const textFormats = ['txt', 'csv', 'tsv', 'jsonl'] as const;
export type TextFormat = (typeof textFormats)[number];

export interface TextSource {
  /** As messages call it. */
  readonly name: string;
  readonly format: TextFormat;
  /** Bytes as they lie on the disk; undefined where that is not known. */
  readonly size: number | undefined;
  /** How many of them have been read. */
  readonly position: number;
  /**
   * The texts, as many at a time as one part of the file holds. Read once.
   * @param signal ends the wait for a pipe that says nothing
   * @throws FILE_NOT_FOUND, FILE_ACCESS, DATA_INVALID, DATA_NOT_FOUND, INTERRUPTED
   */
  texts(signal?: AbortSignal): AsyncGenerator<readonly string[]>;
}

export interface TextSourceOptions {
  /** Default: what the name says, else one text a line. */
  readonly format?: TextFormat | undefined;
  /** Column or field of the text. */
  readonly column: string;
}

/** One line, one row of a table, or one object: more would be no short text, but a quote that never ends. */
const recordBytes = 4 * 2 ** 20;

const gzipMark = Buffer.from([0x1f, 0x8b]);

/**
 * @param path `-` for standard input; bytes that gzip packed are known by how they begin
 * @throws FILE_NOT_FOUND, FILE_ACCESS, OPTION_INVALID
 */
export async function openTexts(path: string, { format, column }: TextSourceOptions): Promise<TextSource> {
  const name = path === '-' ? 'standard input' : path;
  const kind = format ?? formatNamed(path);
  const size = path === '-' ? undefined : await sizeOf(path);
  let position = 0;
  async function* bytes(signal?: AbortSignal): AsyncGenerator<Buffer> {
    const stream = path === '-' ? process.stdin : createReadStream(path, { highWaterMark: 2 ** 20 });
    signal?.addEventListener('abort', () => stream.destroy(interrupted(name)), { once: true });
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      position += chunk.length;
      yield chunk;
    }
  }
  const readers = { txt: readLines, csv: readCsv, tsv: readTsv, jsonl: readObjects } as const;
  return {
    name,
    format: kind,
    size,
    get position() {
      return position;
    },
    async *texts(signal) {
      try {
        yield* readers[kind]({ parts: utf8Parts(inflate(bytes(signal)), name), name, column });
      } catch (error) {
        throw zlibError(error, name) ?? fileError(error, name, 'read');
      }
    },
  };
}

/** The format that the name of a file says: `mails.csv`, `mails.jsonl.gz`; undefined for any other name. */
export function formatOf(path: string): TextFormat | undefined {
  const extension = extname(path.replace(/\.gz$/i, '')).slice(1).toLowerCase();
  return extension === 'ndjson' ? 'jsonl' : textFormats.find((format) => format === extension);
}

/** One text a line where the name says nothing. @throws OPTION_INVALID for a name that says two things */
function formatNamed(path: string): TextFormat {
  if (/\.json(\.gz)?$/i.test(path)) {
    fail(
      'OPTION_INVALID',
      `${path} may be JSON or JSON Lines`,
      'JSON Lines, one object a line, are read with --format jsonl; JSON of another form is not.',
    );
  }
  return formatOf(path) ?? 'txt';
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    const entry = await stat(path);
    if (entry.isDirectory()) fail('FILE_NOT_FOUND', `${path} is a folder, a file was expected`, 'Name a file.');
    return entry.isFile() ? entry.size : undefined; // a pipe has none
  } catch (error) {
    throw fileError(error, path, 'read');
  }
}

async function* inflate(chunks: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  let head = Buffer.alloc(0);
  for await (const chunk of chunks) {
    head = Buffer.concat([head, chunk]);
    if (head.length < gzipMark.length) continue;
    async function* all(): AsyncGenerator<Buffer> {
      yield head;
      yield* chunks;
    }
    if (head.subarray(0, 2).equals(gzipMark)) yield* unpacked(all());
    else yield* all();
    return;
  }
  if (head.length) yield head;
}

async function* unpacked(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const source = Readable.from(chunks, { objectMode: false });
  const gunzip = createGunzip();
  source.on('error', (error) => gunzip.destroy(error));
  yield* source.pipe(gunzip) as AsyncIterable<Buffer>;
}

function interrupted(name: string): RecurrentError {
  return new RecurrentError('INTERRUPTED', `stopped in the middle of ${name}`, 'Run it again.');
}

function zlibError(error: unknown, name: string): Error | undefined {
  const { code, message } = error as NodeJS.ErrnoException;
  if (typeof code !== 'string' || !code.startsWith('Z_')) return undefined;
  try {
    return fail('DATA_INVALID', `${name} is damaged: ${message}`, 'Pack it with gzip again.', error);
  } catch (refusal) {
    return refusal as Error;
  }
}

interface Parts {
  readonly parts: AsyncGenerator<Buffer>;
  readonly name: string;
  readonly column: string;
}

async function* readLines({ parts, name }: Parts): AsyncGenerator<readonly string[]> {
  let carried = '';
  let line = 1;
  for await (const part of parts) {
    const lines = (carried + part.toString('utf8')).split('\n');
    carried = lines.pop() as string;
    if (carried.length > recordBytes) refuseLong(name, line + lines.length);
    line += lines.length;
    if (lines.length) yield lines.map(withoutReturn);
  }
  if (carried !== '') yield [withoutReturn(carried)];
}

function withoutReturn(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line;
}

async function* readObjects(given: Parts): AsyncGenerator<readonly string[]> {
  let line = 0;
  for await (const lines of readLines(given)) {
    const texts: string[] = [];
    for (const json of lines) {
      line++;
      if (json.trim() !== '') texts.push(textOf(json, line, given));
    }
    yield texts;
  }
}

function textOf(json: string, line: number, { name, column }: Parts): string {
  const place = `${name}, line ${line}`;
  const hint = 'Write one JSON object with a text on each line.';
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    fail('DATA_INVALID', `${place} is not JSON: ${(error as Error).message}`, hint, error);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return fail('DATA_INVALID', `${place} is not an object`, hint);
  }
  if (!Object.hasOwn(value, column)) return refuseColumn(`${place} has no field`, column, Object.keys(value));
  const text = (value as Record<string, unknown>)[column];
  return typeof text === 'string' ? text : fail('DATA_INVALID', `${place} has a "${column}" that is no string`, hint);
}

function readCsv(given: Parts): AsyncGenerator<readonly string[]> {
  return readTable(given, ',');
}

function readTsv(given: Parts): AsyncGenerator<readonly string[]> {
  return readTable(given, '\t');
}

/** Rows that are given on together. */
const rowsTogether = 1024;

async function* readTable({ parts, name, column }: Parts, named: Delimiter): AsyncGenerator<readonly string[]> {
  const table = await openTable(parts, named);
  const { delimiter } = table;
  const source = Readable.from(table.parts, { objectMode: false });
  const parser = parse({
    delimiter,
    max_record_size: recordBytes,
    record_delimiter: ['\r\n', '\n', '\r'],
    skip_empty_lines: true,
  });
  source.on('error', (error) => parser.destroy(error));
  let at: number | undefined;
  let texts: string[] = [];
  try {
    for await (const record of source.pipe(parser) as AsyncIterable<readonly string[]>) {
      if (at === undefined) {
        at = record.indexOf(column);
        if (at < 0) refuseColumn(`${name} has no column`, column, record);
        if (record.indexOf(column, at + 1) >= 0) {
          fail('DATA_INVALID', `${name} has two columns "${column}"`, 'Give each column its own name.');
        }
      } else if (texts.push(record[at] as string) === rowsTogether) {
        yield texts;
        texts = [];
      }
    }
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    const hint = 'Rows have as many cells as the header; a cell with separators, newlines or quotes stands in quotes.';
    fail('DATA_INVALID', `${name}: ${error.message}`, hint, error);
  }
  yield texts;
}

function refuseColumn(what: string, column: string, names: readonly string[]): never {
  const known = names.map((each) => `"${each}"`).join(', ');
  fail('DATA_NOT_FOUND', `${what} "${column}", only ${known}`, columnHint(column, names, '--text-column'));
}

function refuseLong(name: string, line: number): never {
  const limit = `${recordBytes / 2 ** 20} MiB`;
  fail('DATA_INVALID', `${name}, line ${line} is longer than ${limit}`, 'Give one text a line.');
}
