import type { ReviewPlace } from './locate.ts';
import { hashReviews, readPack } from './pack.ts';
import { readReviewArchive } from './read-archive.ts';
import { type ReadingOptions, readReviewFolder } from './read-folder.ts';
import type { ReviewFile } from './review-files.ts';

export interface Reviews {
  /** In the order of the recipe. */
  readonly files: readonly ReviewFile[];
  /** SHA-256 of names and texts. */
  readonly contents: string;
}

/** @throws DATA_INVALID, FILE_NOT_FOUND, FILE_ACCESS, INTERRUPTED */
export async function readReviews({ kind, path }: ReviewPlace, options: ReadingOptions): Promise<Reviews> {
  if (kind === 'pack') {
    const { reviews, contents } = await readPack(path);
    return { files: reviews, contents };
  }
  const read = kind === 'folder' ? readReviewFolder : readReviewArchive;
  const files = await read(path, options);
  return { files, contents: hashReviews(files) };
}
