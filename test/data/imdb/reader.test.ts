/** The reader of the IMDB reviews on a few made ones, in every form that it takes. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { silent } from '../../../src/core/progress.ts';
import { encodePack } from '../../../src/data/imdb/pack.ts';
import { readReviews } from '../../../src/data/imdb/read-reviews.ts';
import { loadDataset } from '../../../src/data/load.ts';
import { splitDataset } from '../../../src/data/split.ts';
import { archiveEntries, madeReviews, type TarEntry, writeArchive, writeReviews } from '../../support/reviews.ts';
import { kerasReviews } from './recipe.ts';

let folder: string;
let archive: string;
const environment = { XDG_CACHE_HOME: process.env.XDG_CACHE_HOME, RECURRENT_IMDB: process.env.RECURRENT_IMDB };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'recurrent-imdb-'));
  archive = join(folder, 'reviews.tar.gz');
  await writeReviews(folder);
  await writeArchive(archive);
});
beforeEach(async () => {
  process.env.XDG_CACHE_HOME = await mkdtemp(join(folder, 'cache-'));
  delete process.env.RECURRENT_IMDB;
});
afterAll(async () => {
  for (const [name, value] of Object.entries(environment)) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
  await rm(folder, { recursive: true, force: true });
});

const cache = () => join(process.env.XDG_CACHE_HOME ?? '', 'recurrent-onnx', 'imdb');

test('order, labels, ids and parts are those of the recipe as it is written down', async () => {
  const { examples, labels, recipe, notes } = await loadDataset('imdb', { imdbPath: folder });
  const [train = [], held = []] = kerasReviews(madeReviews);
  const expected = [...train, ...held];
  expect(labels).toEqual(['neg', 'pos']);
  expect(examples.map(({ id }) => id)).toEqual(expected.map(({ name }) => name));
  expect(examples.map(({ label }) => label)).toEqual(expected.map(({ label }) => label));
  for (const [index, { words = [] }] of examples.entries()) {
    const ids = Array.from(words, (place) => (place < 0 ? Number.POSITIVE_INFINITY : place + 4));
    expect([1, ...ids]).toEqual(expected[index]?.sequence);
  }
  expect(recipe?.parts.test).toEqual(Int32Array.from(held, (_, index) => train.length + index));
  expect(recipe?.parts.validation.length).toBe(5); // a fifth of 24, rounded up
  expect(notes).toEqual([expect.stringMatching(/^these 48 reviews are not the 50000/)]);
});

test('the folder aclImdb, the folder above it and the archive give the same, named or in the environment', async () => {
  const above = await loadDataset('imdb', { imdbPath: folder });
  expect(await loadDataset('imdb', { imdbPath: join(folder, 'aclImdb') })).toEqual(above);
  expect(await loadDataset('imdb', { imdbPath: archive })).toEqual(above);
  process.env.RECURRENT_IMDB = join(folder, 'elsewhere');
  await expect(loadDataset('imdb')).rejects.toMatchObject({
    code: 'DATA_NOT_FOUND',
    message: expect.stringMatching(/elsewhere, RECURRENT_IMDB, does not exist/),
  });
  process.env.RECURRENT_IMDB = archive;
  expect(await loadDataset('imdb')).toEqual(above);
});

test('a pack gives the files back, and one of the cache that is not the authors’ reviews is damaged', async () => {
  const path = join(cache(), 'reviews.pack');
  const reading = { progress: silent, signal: undefined };
  const read = await readReviews({ kind: 'folder', path: join(folder, 'aclImdb') }, reading);
  await mkdir(cache(), { recursive: true });
  await writeFile(path, encodePack(read.files));
  expect(await readReviews({ kind: 'pack', path }, reading)).toEqual(read);
  await expect(loadDataset('imdb')).rejects.toMatchObject({
    code: 'DATA_INVALID',
    message: expect.stringMatching(/reviews\.pack is damaged/),
  });
  await writeFile(path, encodePack(read.files).subarray(0, -1));
  await expect(loadDataset('imdb')).rejects.toMatchObject({ message: expect.stringMatching(/is cut short/) });
});

describe('words that were looked up before', () => {
  test('are taken from the cache when they are whole, else looked up again', async () => {
    const fresh = await loadDataset('imdb', { imdbPath: folder });
    const [name = ''] = await readdir(cache());
    expect(name).toMatch(/^words-[0-9a-f]{64}$/);
    for (const damaged of ['', '{}\n', 'no JSON\n…']) {
      await writeFile(join(cache(), name), damaged);
      expect(await loadDataset('imdb', { imdbPath: folder })).toEqual(fresh);
    }
  });

  test('follow the texts', async () => {
    const changed = await mkdtemp(join(folder, 'changed-'));
    await loadDataset('imdb', { imdbPath: folder });
    await writeReviews(changed, new Map([...madeReviews, ['train/pos/0_1.txt', 'zzz zzz zzz']]));
    const { recipe } = await loadDataset('imdb', { imdbPath: changed });
    expect(recipe?.lexicon.vocabulary).toContain('zzz');
    expect(await readdir(cache())).toHaveLength(2);
  });

  test('are no condition: a cache that cannot be written is a note', async () => {
    await writeFile(join(process.env.XDG_CACHE_HOME ?? '', 'recurrent-onnx'), 'a file where a folder should be');
    const { notes, examples } = await loadDataset('imdb', { imdbPath: folder });
    expect(examples).toHaveLength(48);
    expect(notes).toContainEqual(expect.stringMatching(/^words will be looked up again the next time: cannot write/));
  });
});

describe('is refused', () => {
  test('without reviews, with the ways to get them', async () => {
    await expect(loadDataset('imdb')).rejects.toMatchObject({
      code: 'DATA_NOT_FOUND',
      hint: expect.stringMatching(/recurrent data imdb.*--imdb-path/),
    });
  });

  test.each([
    [
      'a folder of other things',
      async () => mkdtemp(join(folder, 'empty-')),
      'DATA_INVALID',
      /has no folder train\/pos/,
    ],
    [
      'a file of another kind',
      async () => {
        await writeFile(join(folder, 'reviews.zip'), '');
        return join(folder, 'reviews.zip');
      },
      'DATA_INVALID',
      /is no archive of the reviews/,
    ],
    [
      'a folder without its test part',
      async () => {
        const half = await mkdtemp(join(folder, 'half-'));
        await writeReviews(half, new Map([...madeReviews].filter(([name]) => name.startsWith('train/'))));
        return half;
      },
      'FILE_NOT_FOUND',
      /test\/pos does not exist/,
    ],
    [
      'a class without reviews',
      async () => {
        const none = await mkdtemp(join(folder, 'none-'));
        await writeReviews(none, new Map([...madeReviews].filter(([name]) => !name.startsWith('test/neg/'))));
        await mkdir(join(none, 'aclImdb/test/neg'));
        return none;
      },
      'DATA_INVALID',
      /has no reviews in test\/neg/,
    ],
    [
      'a review that is not UTF-8',
      async () => {
        const bad = await mkdtemp(join(folder, 'bad-'));
        await writeReviews(
          bad,
          new Map<string, string | Buffer>([...madeReviews, ['test/neg/3_4.txt', Buffer.from([0x61, 0xe9])]]),
        );
        return bad;
      },
      'DATA_INVALID',
      /3_4\.txt is not UTF-8 at byte 1/,
    ],
    [
      'a review that is far too long',
      async () => {
        const long = await mkdtemp(join(folder, 'long-'));
        await writeReviews(long, new Map([...madeReviews, ['test/neg/3_4.txt', 'x'.repeat(2 ** 22 + 1)]]));
        return long;
      },
      'DATA_INVALID',
      /3_4\.txt is larger than 4 MiB/,
    ],
  ] as const)('%s', async (_, make, code, message) => {
    await expect(loadDataset('imdb', { imdbPath: await make() })).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
  });

  test('a path of reviews for another source', async () => {
    const source = join(folder, 'aclImdb/train');
    await expect(loadDataset(source, { imdbPath: folder })).rejects.toMatchObject({
      code: 'OPTION_UNSUPPORTED',
      message: expect.stringMatching(/imdbPath does not apply/),
    });
  });

  test('a column, which reviews do not have', async () => {
    await expect(loadDataset('imdb', { imdbPath: folder, textColumn: 'review' })).rejects.toMatchObject({
      code: 'OPTION_UNSUPPORTED',
    });
  });

  test.each([
    ['testSplit', { seed: 0, testSplit: 0.2, validationSplit: 5 / 48 }],
    ['validationSplit', { seed: 0, testSplit: 0.5, validationSplit: 0.2 }],
    ['splitSeed', { seed: 7, testSplit: 0.5, validationSplit: 5 / 48 }],
  ])('another %s', async (option, options) => {
    const reviews = await loadDataset('imdb', { imdbPath: folder });
    expect(() => splitDataset(reviews, options)).toThrow(
      expect.objectContaining({ code: 'OPTION_UNSUPPORTED', message: expect.stringMatching(`^${option} `) }),
    );
  });

  test('when it is stopped', async () => {
    for (const imdbPath of [folder, archive]) {
      await expect(loadDataset('imdb', { imdbPath, signal: AbortSignal.abort() })).rejects.toMatchObject({
        code: 'INTERRUPTED',
      });
    }
  });
});

describe('an archive that is not as the authors made it is refused', () => {
  const review = { name: 'aclImdb/train/pos/9999_9.txt', contents: 'fine' };
  const evil: readonly (readonly [string, TarEntry, RegExp])[] = [
    ['a path out of it', { ...review, name: 'aclImdb/../../train/pos/9_9.txt' }, /leads out of it/],
    ['a path from the root', { ...review, name: '/aclImdb/train/pos/9_9.txt' }, /leads out of it/],
    ['a backward path of Windows', { ...review, name: 'aclImdb\\..\\..\\9_9.txt' }, /leads out of it/],
    ['a symbolic link', { name: review.name, type: '2', link: '/etc/passwd' }, /is a SymbolicLink and no file/],
    ['a hard link', { name: review.name, type: '1', link: 'aclImdb/README' }, /is a Link and no file/],
    ['a device', { name: review.name, type: '3' }, /is a CharacterDevice and no file/],
    ['a review twice', { ...review, name: 'aclImdb/train/pos/0_1.txt' }, /holds train\/pos\/0_1\.txt twice/],
    ['a review of four gigabytes', { ...review, size: 2 ** 32 }, /larger than 4 MiB|far more than the reviews/],
    ['a review that is no text', { ...review, contents: Buffer.from([0xff, 0xfe]) }, /9999_9\.txt in .* UTF-16/],
  ];

  test.each(evil)('%s', async (_, entry, message) => {
    const path = join(folder, 'evil.tar.gz');
    await writeArchive(path, [...archiveEntries(), entry]);
    await expect(loadDataset('imdb', { imdbPath: path })).rejects.toMatchObject({
      code: 'DATA_INVALID',
      message: expect.stringMatching(message),
    });
  });

  test('a bomb: a small file that unpacks to more than a gigabyte of nothing', async () => {
    const path = join(folder, 'bomb.tar.gz');
    const zeros = gzipSync(Buffer.alloc(2 ** 26)); // 64 MiB; gzip's files may stand one after the other
    await writeFile(path, Buffer.concat([await readFile(archive), ...Array<Buffer>(17).fill(zeros)]));
    const before = process.memoryUsage.rss();
    await expect(loadDataset('imdb', { imdbPath: path })).rejects.toMatchObject({
      code: 'DATA_INVALID',
      message: expect.stringMatching(/far more than the reviews/),
    });
    expect(process.memoryUsage.rss() - before).toBeLessThan(2 ** 29);
  });

  test.each([
    ['nothing', (_: Buffer) => Buffer.alloc(0)],
    ['no archive', (_: Buffer) => Buffer.from('<html>Not found</html>'.repeat(100))],
    ['half an archive', (whole: Buffer) => whole.subarray(0, whole.length / 2)],
    [
      'a flipped byte',
      (whole: Buffer) => {
        const bytes = Buffer.from(whole);
        bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 0xff;
        return bytes;
      },
    ],
    [
      'a wrong checksum',
      (whole: Buffer) => Buffer.concat([whole.subarray(0, -8), Buffer.alloc(4), whole.subarray(-4)]),
    ],
  ])('%s', async (_, damage) => {
    const path = join(folder, 'damaged.tar.gz');
    await writeFile(path, damage(await readFile(archive)));
    await expect(loadDataset('imdb', { imdbPath: path })).rejects.toMatchObject({ code: 'DATA_INVALID' });
  });
});
