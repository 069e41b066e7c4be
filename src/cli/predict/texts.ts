/** Texts from a file or standard input of any size, in order, a few thousand in memory at a time. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { extname } from 'node:path';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { fail, RecurrentError } from '../../core/errors.ts';
import { fileError } from '../../core/files.ts';
import { utf8Parts } from '../../data/readers/utf8.ts';
import { readers } from './text-readers.ts';

export const textFormats = Object.keys(readers) as readonly TextFormat[];
export type TextFormat = keyof typeof readers;

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
  return new RecurrentError('DATA_INVALID', `${name} is damaged: ${message}`, 'Pack it with gzip again.', {
    cause: error,
  });
}
