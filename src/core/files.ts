/**
 * Files appear whole or not at all: written beside their place, flushed to disk, renamed.
 * Whatever fails on the way, the old file is still there and no temporary one is left behind.
 */
import { rmSync } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { RecurrentError } from './errors.ts';

/** Temporary files that are being written: a process that exits in the middle takes them along. */
const unfinished = new Set<string>();

function removeUnfinished(): void {
  for (const temporary of unfinished) rmSync(temporary, { force: true });
}

/** Writes `contents` to `path`, making its folder if needed. @throws FILE_ACCESS */
export async function writeFileAtomically(path: string, contents: Uint8Array | string): Promise<void> {
  const folder = dirname(path);
  const temporary = join(folder, `.${basename(path)}.${process.pid}.${crypto.randomUUID()}.tmp`);
  if (!process.listeners('exit').includes(removeUnfinished)) process.on('exit', removeUnfinished);
  unfinished.add(temporary);
  try {
    await mkdir(folder, { recursive: true });
    const file = await open(temporary, 'wx');
    try {
      await file.writeFile(contents);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    await syncFolder(folder);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {}); // what failed first is what the caller should hear
    throw fileError(error, path, 'write');
  } finally {
    unfinished.delete(temporary);
  }
}

/**
 * Removes what killed processes had begun to write in the place of `path`. Only for callers that know that nobody is
 * writing it now.
 * @throws FILE_ACCESS
 */
export async function removeRemains(path: string): Promise<void> {
  const folder = dirname(path);
  try {
    for (const name of await readdir(folder)) {
      if (name.startsWith(`.${basename(path)}.`) && name.endsWith('.tmp'))
        await rm(join(folder, name), { force: true });
    }
  } catch (error) {
    throw fileError(error, path, 'write');
  }
}

/** Reads a whole file. @throws FILE_NOT_FOUND, FILE_ACCESS */
export async function readFileWhole(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    throw fileError(error, path, 'read');
  }
}

/** Turns an error of the file system into one of the catalogue. */
export function fileError(error: unknown, path: string, action: 'read' | 'write'): RecurrentError {
  if (error instanceof RecurrentError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  if (action === 'read' && (code === 'ENOENT' || code === 'ENOTDIR')) {
    return new RecurrentError('FILE_NOT_FOUND', `${path} does not exist`, 'Check the path.', { cause: error });
  }
  if (action === 'read' && code === 'EISDIR') {
    return new RecurrentError('FILE_NOT_FOUND', `${path} is a folder, a file was expected`, 'Name a file.', {
      cause: error,
    });
  }
  const hint =
    code === 'ENOSPC'
      ? 'The disk is full: free some space and run the command again.'
      : 'Check that the folder exists and that you may read and write there.';
  return new RecurrentError('FILE_ACCESS', `cannot ${action} ${path}: ${message}`, hint, { cause: error });
}

/** Makes a rename durable. Windows cannot open folders: there it is left to the system. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
