/**
 * The labelled reviews of "Large Movie Review Dataset" v1.0 (Maas, Daly, Pham, Huang, Ng and Potts, "Learning word
 * vectors for sentiment analysis", ACL 2011), as its archive lays them out: `aclImdb/{train,test}/{pos,neg}/ID_RATING.txt`.
 */
import { fail } from '../../core/errors.ts';
import { largestRecord, limits } from '../readers/reader.ts';

export interface ReviewFile {
  /** Inside `aclImdb`: `train/pos/0_9.txt`. */
  readonly name: string;
  readonly text: string;
}

/** In the order in which the recipe of Keras reads them. */
export const reviewFolders = ['train/pos', 'train/neg', 'test/pos', 'test/neg'] as const;

export const reviewFileName = /^\d+_\d+\.txt$/;

/** What is known of the authors' copy, so that another one is noticed. */
export const official = {
  url: 'https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz',
  archiveBytes: 84_125_825,
  reviews: 50_000,
  /** SHA-256 of the pack of all reviews. */
  contents: '951c69c24809e979e654d6dad5499b048c9db01888ba56426d21a8fb427bf05a',
} as const;

/** Brings reviews into the order of the recipe: by folder, inside it by name as strings. @throws DATA_INVALID when a folder has none */
export function inRecipeOrder(files: readonly ReviewFile[], source: string): ReviewFile[] {
  return reviewFolders.flatMap((folder) => {
    const inside = files.filter(({ name }) => name.startsWith(`${folder}/`));
    if (inside.length === 0) {
      fail(
        'DATA_INVALID',
        `${source} has no reviews in ${folder}`,
        'Name the folder aclImdb, or the archive, as a whole.',
      );
    }
    return inside.sort((a, b) => (a.name < b.name ? -1 : 1));
  });
}

/** @throws DATA_INVALID */
export function checkReviewSize(bytes: number, name: string): void {
  if (bytes <= limits.recordBytes) return;
  fail('DATA_INVALID', `${name} is larger than ${largestRecord}`, 'A review is a short text: use another copy.');
}
