/**
 * CSV (RFC 4180) and TSV: a header, then one example a row. Cells with separators, quotes or newlines stand in quotes.
 * A spreadsheet whose comma is a decimal point writes .csv files with semicolons; some programs write tabs.
 */
import { pipeline } from 'node:stream/promises';
import { CsvError, parse } from 'csv-parse';
import { fail } from '../../core/errors.ts';
import {
  checkExamples,
  columnHint,
  type LabelledText,
  largestRecord,
  limits,
  type Reader,
  type ReaderContext,
  type Reading,
} from './reader.ts';
import { readUtf8 } from './utf8.ts';

export const readCsv: Reader = (context) => readTable(context, ',');
export const readTsv: Reader = (context) => readTable(context, '\t');

interface Row {
  readonly record: readonly string[];
  readonly info: { readonly lines: number };
}

async function readTable(context: ReaderContext, named: Delimiter): Promise<Reading> {
  const { source } = context;
  const texts: LabelledText[] = [];
  const { parts, delimiter } = await openTable(readUtf8(context), named);
  const parser = parse({
    delimiter,
    info: true,
    max_record_size: limits.recordBytes,
    record_delimiter: ['\r\n', '\n', '\r'],
    skip_empty_lines: true,
  });
  try {
    await pipeline(parts, parser, async (rows: AsyncIterable<Row>) => {
      let columns: { readonly text: number; readonly label: number } | undefined;
      for await (const { record, info } of rows) {
        if (!columns) {
          columns = findColumns(record, context);
          continue;
        }
        const text = record[columns.text] as string;
        const label = record[columns.label] as string;
        if (label.trim() === '') {
          fail('DATA_LABELS', `${source}, line ${info.lines}: the label is empty`, 'Give every example a label.');
        }
        texts.push({ id: `row-${texts.length + 1}`, text, label });
        checkExamples(texts.length, source);
      }
    });
  } catch (error) {
    if (error instanceof CsvError) refuseTable(error, source);
    throw error;
  }
  return { texts, notes: delimiter === named ? [] : [`cells are divided by ${delimiterNames[delimiter]}`] };
}

const delimiterNames = { ',': 'commas', ';': 'semicolons', '\t': 'tabs' } as const;
export type Delimiter = keyof typeof delimiterNames;

/**
 * Looks at the header of a table. One that is named for commas and has none, but semicolons or tabs, is divided by these.
 * @returns all `parts`, and what divides the cells
 */
export async function openTable(
  parts: AsyncGenerator<Buffer>,
  named: Delimiter,
): Promise<{ parts: AsyncGenerator<Buffer>; delimiter: Delimiter }> {
  const first = await parts.next();
  if (first.done) return { parts, delimiter: named };
  const [header = ''] = /[^\r\n]+/.exec(first.value.toString('utf8').replace(/"(?:[^"]|"")*"/g, '')) ?? [];
  const found = ([';', '\t'] as const).find((character) => header.includes(character));
  async function* all(): AsyncGenerator<Buffer> {
    yield first.value as Buffer;
    yield* parts;
  }
  return { parts: all(), delimiter: named === ',' && !header.includes(',') && found ? found : named };
}

function findColumns(
  header: readonly string[],
  { source, textColumn, labelColumn }: ReaderContext,
): { text: number; label: number } {
  const find = (name: string, option: string) => {
    const at = header.indexOf(name);
    if (at < 0) {
      fail(
        'DATA_NOT_FOUND',
        `${source} has no column "${name}"; its columns are ${header.map((column) => `"${column}"`).join(', ')}`,
        columnHint(name, header, option),
      );
    }
    if (header.indexOf(name, at + 1) >= 0) {
      fail('DATA_INVALID', `${source} has two columns "${name}"`, 'Give each column its own name.');
    }
    return at;
  };
  return { text: find(textColumn, '--text-column'), label: find(labelColumn, '--label-column') };
}

function refuseTable(error: CsvError, source: string): never {
  if (error.code === 'CSV_MAX_RECORD_SIZE') {
    fail(
      'DATA_INVALID',
      `${source}: the row at line ${error.lines} is longer than ${largestRecord}`,
      'Cut the text, or look for a quote that is never closed: it swallows the rows after it.',
      error,
    );
  }
  fail(
    'DATA_INVALID',
    `${source}: ${error.message}`,
    'Rows have as many cells as the header. Put a cell that holds separators, newlines or quotes in quotes, and double the quotes inside.',
    error,
  );
}
