/**
 * All reviews in one file: name and text of each, a NUL after either, in the order of the recipe. It is read in a
 * tenth of the time that 50,000 files take, and its SHA-256 says which texts it holds.
 */
import { createHash } from 'node:crypto';
import { fail } from '../../core/errors.ts';
import { readFileWhole } from '../../core/files.ts';
import type { ReviewFile } from './review-files.ts';

/** Texts hold no NUL: `decodeUtf8` has refused it. */
export function encodePack(reviews: readonly ReviewFile[]): Buffer {
  return Buffer.from(reviews.map(({ name, text }) => `${name}\0${text}\0`).join(''));
}

/** SHA-256 of the pack of `reviews`. */
export function hashReviews(reviews: readonly ReviewFile[]): string {
  const hash = createHash('sha256');
  const together = 1000;
  for (let from = 0; from < reviews.length; from += together) {
    hash.update(encodePack(reviews.slice(from, from + together)));
  }
  return hash.digest('hex');
}

/** @throws DATA_INVALID when it is cut short; FILE_NOT_FOUND, FILE_ACCESS */
export async function readPack(path: string): Promise<{ reviews: readonly ReviewFile[]; contents: string }> {
  const { buffer, byteOffset, byteLength } = await readFileWhole(path);
  const bytes = Buffer.from(buffer, byteOffset, byteLength);
  const reviews: ReviewFile[] = [];
  let at = 0;
  const next = () => {
    const end = bytes.indexOf(0, at);
    if (end < 0) fail('DATA_INVALID', `${path} is cut short`, 'Fill it again: recurrent data imdb.');
    const part = bytes.toString('utf8', at, end);
    at = end + 1;
    return part;
  };
  while (at < bytes.length) reviews.push({ name: next(), text: next() });
  return { reviews, contents: createHash('sha256').update(bytes).digest('hex') };
}
