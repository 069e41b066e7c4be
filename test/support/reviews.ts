/** IMDB reviews for tests: the real ones where they are at hand, else a few made ones in the same layout. */
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const beside = fileURLToPath(new URL('../../../shared/data/imdb', import.meta.url));
const archive = process.env.RECURRENT_IMDB ?? join(beside, 'aclImdb-labelled.tar.gz');
const golden = join(beside, 'golden.json');

/** The archive of the labelled reviews, and values that were computed from it without this project. */
export const realReviews = existsSync(archive) && existsSync(golden) ? { archive, golden } : undefined;

export const whyNoReviews =
  'the 50,000 reviews and their golden values are not in ../shared/data/imdb beside the checkout';

/** Texts by name inside `aclImdb`, with everything that the recipe treats specially. */
export const madeReviews: ReadonlyMap<string, string> = new Map(
  ['train/pos', 'train/neg', 'test/pos', 'test/neg'].flatMap((folder, at) =>
    Array.from({ length: 12 }, (_, index): [string, string] => [
      `${folder}/${index}_${1 + ((index + at) % 10)}.txt`,
      [
        `A ${folder.endsWith('pos') ? 'fine' : 'poor'} film,<br /><br />really: don't miss CAFÉ n°${index}!`,
        'naïve\u00a0words\tand “quotes” — DÉJÀ vu… 映画 🎬 ',
        `the the  THE\nword${index % 5} only-here-${at}-${index}`,
      ].join(at % 2 ? ' ' : '\n'),
    ]),
  ),
);

/** Writes reviews into `folder`/aclImdb. */
export async function writeReviews(folder: string, reviews: ReadonlyMap<string, string | Buffer> = madeReviews) {
  for (const [name, text] of reviews) {
    const path = join(folder, 'aclImdb', name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
  }
}

export interface TarEntry {
  readonly name: string;
  readonly contents?: string | Buffer;
  /** Of the tar format: `0` a file, `1` a hard link, `2` a symbolic link, `5` a folder. Default: a file. */
  readonly type?: string;
  readonly link?: string;
  /** Default: that of the contents. */
  readonly size?: number;
}

/** A tar archive of the POSIX form, byte by byte. */
export function tarOf(entries: readonly TarEntry[]): Buffer {
  const blocks = entries.flatMap(({ name, contents = '', type = '0', link = '', size }) => {
    const body = Buffer.from(contents);
    const header = Buffer.alloc(512);
    const octal = (value: number, digits: number) => value.toString(8).padStart(digits, '0');
    header.write(name, 0, 100);
    header.write(octal(0o644, 7), 100);
    header.write(octal(0, 7), 108);
    header.write(octal(0, 7), 116);
    header.write(octal(size ?? body.length, 11), 124);
    header.write(octal(0, 11), 136);
    header.write(' '.repeat(8), 148);
    header.write(type, 156);
    header.write(link, 157, 100);
    header.write('ustar\x0000', 257);
    header.write(
      octal(
        header.reduce((sum, byte) => sum + byte, 0),
        6,
      ),
      148,
    );
    header.write('\0 ', 154);
    return [header, body, Buffer.alloc((512 - (body.length % 512)) % 512)];
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

/** Reviews as the authors pack them, with the other things that their archive holds. */
export function archiveEntries(reviews: ReadonlyMap<string, string | Buffer> = madeReviews): TarEntry[] {
  return [
    { name: 'aclImdb/', type: '5' },
    { name: 'aclImdb/README', contents: 'Large Movie Review Dataset v1.0' },
    { name: 'aclImdb/train/unsup/0_0.txt', contents: 'unlabelled' },
    { name: 'aclImdb/train/labeledBow.feat', contents: '9 0:9 1:1' },
    ...[...reviews].map(([name, contents]) => ({ name: `aclImdb/${name}`, contents })),
  ];
}

export async function writeArchive(path: string, entries: readonly TarEntry[] = archiveEntries()): Promise<void> {
  await writeFile(path, gzipSync(tarOf(entries)));
}
