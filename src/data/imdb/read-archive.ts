/**
 * The reviews inside the authors' archive. It is read, never unpacked: no path of the archive reaches the file system,
 * so that one with `..` or links in it has nothing to act on. Such an archive is refused all the same, as it cannot be theirs.
 */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { ReadEntry } from 'tar';
import { fail, RecurrentError } from '../../core/errors.ts';
import { fileError } from '../../core/files.ts';
import { checkExamples, checkInterruption, checkTotalBytes } from '../readers/reader.ts';
import { decodeUtf8 } from '../readers/utf8.ts';
import type { ReadingOptions } from './read-folder.ts';
import { checkReviewSize, inRecipeOrder, type ReviewFile, reviewFileName, reviewFolders } from './review-files.ts';

/** Of everything in the archive, reviews or not: that of the authors has a quarter of each. */
const most = { entries: 500_000, bytes: 2 * 2 ** 30 };

const hint = 'Fetch the archive again: recurrent data imdb.';

/** @throws DATA_INVALID when it is damaged, cut short or not made as that of the authors; FILE_NOT_FOUND, FILE_ACCESS, INTERRUPTED */
export async function readReviewArchive(
  path: string,
  { progress, signal }: ReadingOptions,
): Promise<readonly ReviewFile[]> {
  const files = new Map<string, ReviewFile>();
  const total = { entries: 0, bytes: 0, reviewBytes: 0 };
  let failure: unknown;

  function take(entry: ReadEntry): void {
    total.entries++;
    total.bytes += entry.size;
    if (total.entries > most.entries || total.bytes > most.bytes) refuse(path, 'holds far more than the reviews');
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
    let done = 0;
    const { Parser } = await import('tar'); // only who reads an archive waits for it
    const parser = new Parser({ strict: true, onReadEntry: guarded(take) });
    const ended = new Promise<void>((resolve) => {
      parser.on('end', resolve);
      parser.on('error', (error) => {
        failure ??= error;
        resolve();
      });
    });
    for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 18 }) as AsyncIterable<Buffer>) {
      checkInterruption(signal);
      parser.write(chunk);
      if (failure !== undefined) throw failure;
      done += chunk.length;
      progress.update(done);
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
