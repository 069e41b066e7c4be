/** From the parts of a file to its texts, as many at a time as a part holds. */
import { Readable } from 'node:stream';
import { CsvError, parse } from 'csv-parse';
import { fail } from '../../core/errors.ts';
import { columnHint } from '../../data/readers/reader.ts';
import { type Delimiter, openTable } from '../../data/readers/table.ts';

/** One line, one row of a table, or one object: more would be no short text, but a quote that never ends. */
const recordBytes = 4 * 2 ** 20;

/** A file as it is read. */
interface Source {
  /** Whole characters of UTF-8. */
  readonly parts: AsyncGenerator<Buffer>;
  readonly name: string;
  readonly column: string;
}

async function* readLines({ parts, name }: Source): AsyncGenerator<readonly string[]> {
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

async function* readObjects(given: Source): AsyncGenerator<readonly string[]> {
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

function textOf(json: string, line: number, { name, column }: Source): string {
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

/** Rows that are given on together. */
const rowsTogether = 1024;

async function* readTable({ parts, name, column }: Source, named: Delimiter): AsyncGenerator<readonly string[]> {
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

/** By the name of the format. */
export const readers = {
  txt: readLines,
  csv: (source: Source) => readTable(source, ','),
  tsv: (source: Source) => readTable(source, '\t'),
  jsonl: readObjects,
} as const;
