/**
 * The reviews inside the authors' archive. It is read, never unpacked: no path of the archive reaches the file system,
 * so that one with `..` or links in it has nothing to act on. Such an archive is refused all the same, as it cannot be theirs.
 */
import { createReadStream, type ReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { createGunzip } from 'node:zlib';
import type { ReadEntry } from 'tar';
import { fail, RecurrentError } from '../../core/errors.ts';
import { fileError } from '../../core/files.ts';
import { checkExamples, checkInterruption, checkTotalBytes } from '../readers/reader.ts';
import { decodeUtf8 } from '../readers/utf8.ts';
import type { ReadingOptions } from './read-folder.ts';
import { checkReviewSize, inRecipeOrder, type ReviewFile, reviewFileName, reviewFolders } from './review-files.ts';

/** Of everything in the archive, reviews or not, unpacked: that of the authors has less than a third of each. */
const most = { entries: 500_000, bytes: 2 ** 30 };

const hint = 'Fetch the archive again: recurrent data imdb.';

/** @throws DATA_INVALID when it is damaged, cut short or not made as that of the authors; FILE_NOT_FOUND, FILE_ACCESS, INTERRUPTED */
export async function readReviewArchive(
  path: string,
  { progress, signal }: ReadingOptions,
): Promise<readonly ReviewFile[]> {
  const files = new Map<string, ReviewFile>();
  const total = { entries: 0, bytes: 0, reviewBytes: 0 };
  let failure: unknown;
  let atEnd = false;

  function take(entry: ReadEntry): void {
    if (++total.entries > most.entries) refuse(path, 'holds far more than the reviews');
    const name = reviewNameOf(entry, path);
    if (name === undefined) {
      entry.resume();
      return;
    }
    if (files.has(name)) refuse(path, `holds ${name} twice`);
    const place = `${name} in ${path}`;
    checkReviewSize(entry.size, place);
    total.reviewBytes += entry.size;
    checkTotalBytes(total.reviewBytes, path);
    checkExamples(files.size, path);
    const chunks: Buffer[] = [];
    entry.on('data', (chunk: Buffer) => chunks.push(chunk));
    entry.on(
      'end',
      guarded(() => files.set(name, { name, text: decodeUtf8(Buffer.concat(chunks), place) })),
    );
  }

  /** What a listener throws would be lost inside the parser. */
  function guarded<Args extends unknown[]>(work: (...args: Args) => void): (...args: Args) => void {
    return (...args) => {
      try {
        if (failure === undefined) work(...args);
      } catch (error) {
        failure = error;
      }
    };
  }

  try {
    const { size } = await stat(path);
    progress.start(`reading ${path}`, size);
    const { Parser } = await import('tar'); // loaded only where an archive is read
    const parser = new Parser({ strict: true, brotli: false, zstd: false, onReadEntry: guarded(take) });
    parser.on('eof', () => {
      atEnd = true;
    });
    const ended = new Promise<void>((resolve) => {
      parser.on('end', resolve);
      parser.on('error', (error) => {
        failure ??= error;
        resolve();
      });
    });
    const source = createReadStream(path, { highWaterMark: 2 ** 18 });
    for await (const chunk of unpacked(source, await isGzip(path))) {
      checkInterruption(signal);
      total.bytes += chunk.length;
      if (total.bytes > most.bytes) refuse(path, 'holds far more than the reviews');
      if (!atEnd) parser.write(chunk); // it would keep what follows the end, which may be gigabytes of nothing
      if (failure !== undefined) throw failure;
      progress.update(source.bytesRead);
    }
    parser.end();
    await ended;
    if (failure !== undefined) throw failure;
  } catch (error) {
    if (error instanceof RecurrentError) throw error;
    const { code = '', message } = error as NodeJS.ErrnoException;
    if (/^(Z_|TAR_)/.test(code)) refuse(path, `is damaged or no .tar.gz archive: ${message}`, error);
    throw fileError(error, path, 'read');
  }
  progress.stop();
  return inRecipeOrder([...files.values()], path);
}

/** What `source` holds, unpacked where gzip has packed it. The source is closed when reading ends, early or not. */
async function* unpacked(source: ReadStream, packed: boolean): AsyncGenerator<Buffer> {
  const stream = packed ? source.pipe(createGunzip({ chunkSize: 2 ** 18 })) : source;
  source.on('error', (error) => stream.destroy(error));
  try {
    yield* stream as AsyncIterable<Buffer>;
  } finally {
    source.destroy();
  }
}

async function isGzip(path: string): Promise<boolean> {
  const file = await open(path);
  try {
    const { buffer } = await file.read(Buffer.alloc(2), 0, 2, 0);
    return buffer.readUInt16BE() === 0x1f8b;
  } finally {
    await file.close();
  }
}

/** The review that an entry holds; undefined for the unlabelled reviews, word lists and notes that the archive holds too. */
function reviewNameOf({ path: inside, type }: ReadEntry, archive: string): string | undefined {
  if (inside.startsWith('/') || inside.split(/[/\\]/).includes('..'))
    refuse(archive, `holds ${inside}, which leads out of it`);
  if (type === 'Directory') return undefined;
  if (type !== 'File' && type !== 'OldFile') refuse(archive, `holds ${inside}, which is a ${type} and no file`);
  const name = inside.replace(/^(\.\/)?aclImdb\//, '');
  const folder = reviewFolders.find((known) => name.startsWith(`${known}/`));
  return folder !== undefined && reviewFileName.test(name.slice(folder.length + 1)) ? name : undefined;
}

function refuse(path: string, what: string, cause?: unknown): never {
  fail('DATA_INVALID', `${path} ${what}`, hint, cause);
}
