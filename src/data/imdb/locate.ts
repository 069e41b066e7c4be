import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder } from '../../core/cache-folder.ts';
import { fail } from '../../core/errors.ts';
import { fileError } from '../../core/files.ts';
import { reviewFolders } from './review-files.ts';

/** Where the reviews are, and in which form. */
export interface ReviewPlace {
  readonly kind: 'folder' | 'archive' | 'pack';
  readonly path: string;
}

/** The variable of the environment that names the reviews. */
export const pathVariable = 'RECURRENT_IMDB';

/** What `recurrent data imdb` writes. */
export function packFile(): string {
  return join(cacheFolder(), 'imdb', 'reviews.pack');
}

/**
 * The reviews at `asked`, else those that the environment names, else those of the cache.
 * @throws DATA_NOT_FOUND, DATA_INVALID, FILE_ACCESS
 */
export async function locateReviews(asked: string | undefined): Promise<ReviewPlace> {
  const named = asked ?? (process.env[pathVariable] || undefined);
  if (named !== undefined) return recognise(named, asked === undefined ? pathVariable : 'the path of the reviews');
  const path = packFile();
  if (await exists(path, 'isFile')) return { kind: 'pack', path };
  return fail(
    'DATA_NOT_FOUND',
    `the IMDB reviews are not on this machine: no path was given, ${pathVariable} is not set, and ${path} does not exist`,
    'Run: recurrent data imdb. Or name the folder aclImdb, or its archive, with --imdb-path.',
  );
}

/** @throws DATA_NOT_FOUND, DATA_INVALID, FILE_ACCESS */
export async function recognise(path: string, who: string): Promise<ReviewPlace> {
  if (await exists(path, 'isFile')) {
    if (/\.(tar\.gz|tgz|tar)$/i.test(path)) return { kind: 'archive', path };
    return fail(
      'DATA_INVALID',
      `${path} is no archive of the reviews`,
      'Name aclImdb_v1.tar.gz, or the folder aclImdb.',
    );
  }
  if (!(await exists(path, 'isDirectory'))) {
    fail('DATA_NOT_FOUND', `${path}, ${who}, does not exist`, 'Name the folder aclImdb, or aclImdb_v1.tar.gz.');
  }
  for (const folder of [path, join(path, 'aclImdb')]) {
    if (await exists(join(folder, reviewFolders[0]), 'isDirectory')) return { kind: 'folder', path: folder };
  }
  return fail(
    'DATA_INVALID',
    `${path} has no folder ${reviewFolders[0]}`,
    'Name the folder aclImdb as the archive holds it.',
  );
}

async function exists(path: string, kind: 'isFile' | 'isDirectory'): Promise<boolean> {
  try {
    return (await stat(path))[kind]();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return false;
    throw fileError(error, path, 'read');
  }
}
