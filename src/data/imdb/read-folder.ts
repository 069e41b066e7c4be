/** The reviews as files of the official folders. */
import { closeSync, openSync, readSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { fileError } from '../../core/files.ts';
import type { Progress } from '../../core/progress.ts';
import { checkExamples, checkInterruption, checkTotalBytes, limits } from '../readers/reader.ts';
import { decodeUtf8 } from '../readers/utf8.ts';
import { checkReviewSize, inRecipeOrder, type ReviewFile, reviewFileName, reviewFolders } from './review-files.ts';

export interface ReadingOptions {
  readonly progress: Progress;
  readonly signal: AbortSignal | undefined;
}

/** Files between two looks at signals and timers. */
const together = 500;

/**
 * Reads one file after the other without awaiting each: half the time that 50,000 promises take.
 * @throws DATA_INVALID, FILE_NOT_FOUND, FILE_ACCESS, INTERRUPTED
 */
export async function readReviewFolder(
  folder: string,
  { progress, signal }: ReadingOptions,
): Promise<readonly ReviewFile[]> {
  const lists: string[][] = [];
  for (const place of reviewFolders) lists.push(await listReviews(folder, place));
  const names = lists.flat();
  checkExamples(names.length, folder);
  const buffer = Buffer.allocUnsafe(limits.recordBytes + 1);
  const files: ReviewFile[] = [];
  let bytes = 0;
  progress.start(`reading ${folder}`, names.length);
  for (const [index, name] of names.entries()) {
    const path = join(folder, name);
    const contents = readInto(buffer, path);
    checkReviewSize(contents.length, path);
    bytes += contents.length;
    files.push({ name, text: decodeUtf8(contents, path) });
    if (index % together > 0) continue;
    checkTotalBytes(bytes, folder);
    checkInterruption(signal);
    progress.update(index);
    await nextTurn();
  }
  progress.stop();
  return inRecipeOrder(files, folder);
}

async function listReviews(folder: string, place: string): Promise<string[]> {
  const path = join(folder, place);
  try {
    const entries = await readdir(path, { withFileTypes: true });
    return entries
      .filter((entry) => !entry.isDirectory() && reviewFileName.test(entry.name))
      .map(({ name }) => `${place}/${name}`);
  } catch (error) {
    throw fileError(error, path, 'read');
  }
}

/** The start of `buffer` with as much of the file as fits. */
function readInto(buffer: Buffer, path: string): Buffer {
  try {
    const file = openSync(path, 'r');
    try {
      let length = 0;
      for (let read = -1; read !== 0 && length < buffer.length; length += read) {
        read = readSync(file, buffer, length, buffer.length - length, null);
      }
      return buffer.subarray(0, length);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw fileError(error, path, 'read');
  }
}
