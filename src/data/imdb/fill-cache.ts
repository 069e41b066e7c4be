/**
 * Brings the reviews into the cache. Of the authors' archive its length and the checksum of gzip are verified, and
 * then what counts: the SHA-256 of the names and texts of all labelled reviews.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder } from '../../core/cache-folder.ts';
import { fail, RecurrentError } from '../../core/errors.ts';
import { writeFileAtomically } from '../../core/files.ts';
import type { Progress } from '../../core/progress.ts';
import { download } from './download.ts';
import { packFile, pathVariable, type ReviewPlace, recognise } from './locate.ts';
import { encodePack } from './pack.ts';
import type { ReadingOptions } from './read-folder.ts';
import { type Reviews, readReviews } from './read-reviews.ts';
import { official } from './review-files.ts';

export interface FillOptions {
  /** The folder `aclImdb` or its archive; left out: the archive is fetched. */
  readonly from?: string | undefined;
  /** Another place of the same archive. */
  readonly url?: string | undefined;
  /** What the archive must be. Default: that of the authors. */
  readonly expected?: { readonly archiveBytes: number; readonly contents: string } | undefined;
  readonly progress: Progress;
  readonly signal?: AbortSignal | undefined;
}

export interface FilledCache {
  readonly file: string;
  readonly reviews: number;
  /** Of the file. */
  readonly bytes: number;
  /** SHA-256 of names and texts. */
  readonly contents: string;
  /** How the reviews came: they were there already, were read from files, or were fetched. */
  readonly how: 'kept' | 'read' | 'fetched';
}

/** @throws DOWNLOAD_FAILED, DATA_NOT_FOUND, DATA_INVALID, FILE_ACCESS, INTERRUPTED */
export async function fillCache(options: FillOptions): Promise<FilledCache> {
  const { from, expected = official, progress, signal } = options;
  const file = packFile();
  const reading = { progress, signal };
  const kept = await readKept({ kind: 'pack', path: file }, expected.contents, reading);
  if (kept) return describe(kept, 'kept');
  if (from !== undefined) {
    const read = await readReviews(await recognise(from, 'given with --from'), reading);
    checkContents(read, from, expected.contents);
    await writeFileAtomically(file, encodePack(read.files));
    return describe(read, 'read');
  }
  const archive = join(cacheFolder(), 'imdb', 'aclImdb_v1.tar.gz');
  const url = options.url ?? official.url;
  await download({ url, path: archive, bytes: expected.archiveBytes, otherwise: withoutNetwork, progress, signal });
  const fetched = await readFetched(archive, url, expected.contents, reading);
  await writeFileAtomically(file, encodePack(fetched.files));
  await rm(archive, { force: true });
  return describe(fetched, 'fetched');
}

/** A wrong archive goes, so that the next call fetches it anew; one that was only not read to its end stays. */
async function readFetched(archive: string, url: string, contents: string, reading: ReadingOptions): Promise<Reviews> {
  try {
    const fetched = await readReviews({ kind: 'archive', path: archive }, reading);
    checkContents(fetched, url, contents);
    return fetched;
  } catch (error) {
    if (error instanceof RecurrentError && error.code === 'DATA_INVALID') await rm(archive, { force: true });
    throw error;
  }
}

const withoutNetwork = `Where there is no network: fetch ${official.url} (${official.archiveBytes} bytes) elsewhere, bring it here and run: recurrent data imdb --from aclImdb_v1.tar.gz. Or set ${pathVariable} to its path.`;

/** What an earlier call has left, if it is whole. */
async function readKept(place: ReviewPlace, contents: string, reading: ReadingOptions) {
  const reviews = await readReviews(place, reading).catch(() => undefined);
  return reviews?.contents === contents ? reviews : undefined;
}

function checkContents({ files, contents }: Reviews, source: string, expected: string): void {
  if (contents === expected) return;
  fail(
    'DATA_INVALID',
    `the ${files.length} reviews of ${source} are not those of the authors: their SHA-256 is ${contents}, not ${expected}`,
    'Fetch the archive again, or name another copy.',
  );
}

function describe(reviews: Reviews, how: FilledCache['how']): FilledCache {
  const { files, contents } = reviews;
  return { file: packFile(), reviews: files.length, bytes: encodePack(files).length, contents, how };
}
