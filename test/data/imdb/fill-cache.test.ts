/** Fetching the reviews from a real server on this machine, with everything that may go wrong. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { silent } from '../../../src/core/progress.ts';
import { fillCache } from '../../../src/data/imdb/fill-cache.ts';
import { readReviews } from '../../../src/data/imdb/read-reviews.ts';
import { archiveEntries, madeReviews, realReviews, tarOf, whyNoReviews, writeReviews } from '../../support/reviews.ts';

let folder: string;
let cache: string;
let contents: string;
const cacheBefore = process.env.XDG_CACHE_HOME;

/** The authors' archive of this test; noise keeps gzip from making it tiny. */
const archive = gzipSync(tarOf([...archiveEntries(), { name: 'aclImdb/imdb.vocab', contents: randomBytes(400_000) }]), {
  level: 1,
});

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'recurrent-fetch-'));
  await writeReviews(folder);
  const place = { kind: 'folder', path: join(folder, 'aclImdb') } as const;
  contents = (await readReviews(place, { progress: silent, signal: undefined })).contents;
});
beforeEach(async () => {
  process.env.XDG_CACHE_HOME = await mkdtemp(join(folder, 'cache-'));
  cache = join(process.env.XDG_CACHE_HOME, 'recurrent-onnx', 'imdb');
});
afterAll(async () => {
  if (cacheBefore === undefined) delete process.env.XDG_CACHE_HOME;
  else process.env.XDG_CACHE_HOME = cacheBefore;
  await rm(folder, { recursive: true, force: true });
});

let server: Server | undefined;
afterEach(async () => {
  server?.closeAllConnections();
  await new Promise((resolve) => (server ? server.close(resolve) : resolve(undefined)));
  server = undefined;
});

/** A server, and the ranges that it was asked for. */
async function serve(answer: (request: IncomingMessage, response: ServerResponse) => void) {
  const ranges: (string | undefined)[] = [];
  const started = createServer((request, response) => {
    ranges.push(request.headers.range);
    answer(request, response);
  });
  await new Promise<void>((resolve) => started.listen(0, '127.0.0.1', resolve));
  server = started;
  return { url: `http://127.0.0.1:${(started.address() as AddressInfo).port}/aclImdb_v1.tar.gz`, ranges };
}

const fill = (url: string, more: object = {}) =>
  fillCache({ url, expected: { archiveBytes: archive.length, contents }, progress: silent, ...more });

/** Gives what is asked for, range or whole, as web servers do. */
function giveAll(bytes: Buffer = archive) {
  return ({ headers }: IncomingMessage, response: ServerResponse) => {
    const from = Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0);
    const range = { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` };
    response.writeHead(from ? 206 : 200, { 'content-length': bytes.length - from, ...(from && range) });
    response.end(bytes.subarray(from));
  };
}

/** Gives `length` bytes of the whole, and hangs up. */
function giveSome(length: number) {
  return (_: IncomingMessage, response: ServerResponse) => {
    response.writeHead(200, { 'content-length': archive.length });
    response.write(archive.subarray(0, length), () => response.destroy());
  };
}

test('fetches, verifies and keeps the reviews, and nothing else', async () => {
  const { url } = await serve(giveAll());
  const seen: number[] = [];
  const progress = { ...silent, update: (done: number) => seen.push(done) };
  const filled = await fill(url, { progress });
  expect(filled).toMatchObject({ how: 'fetched', reviews: madeReviews.size, contents });
  expect(await readdir(cache)).toEqual(['reviews.pack']);
  expect((await stat(filled.file)).size).toBe(filled.bytes);
  expect(seen).toContain(archive.length);
  const place = { kind: 'pack', path: filled.file } as const;
  const { files } = await readReviews(place, { progress: silent, signal: undefined });
  expect(new Map(files.map(({ name, text }) => [name, text]))).toEqual(madeReviews);
});

test('asks nobody when they are there already, and again when they are damaged', async () => {
  const { url, ranges } = await serve(giveAll());
  const { file } = await fill(url);
  expect(await fill(url)).toMatchObject({ how: 'kept' });
  expect(ranges).toHaveLength(1);
  await writeFile(file, (await readFile(file)).subarray(1));
  expect(await fill(url)).toMatchObject({ how: 'fetched' });
  expect(ranges).toHaveLength(2);
});

describe('a transfer that breaks off', () => {
  const some = 150_000;

  test('is an error that says how to go on; the next call fetches the rest only', async () => {
    const broken = await serve(giveSome(some));
    await expect(fill(broken.url)).rejects.toMatchObject({
      code: 'DOWNLOAD_FAILED',
      hint: expect.stringMatching(/are kept: run it again to go on.*--from/),
    });
    server?.close();
    const { size } = await stat(join(cache, 'aclImdb_v1.tar.gz.part'));
    expect(size).toBeGreaterThan(0);
    expect(size).toBeLessThanOrEqual(some);
    const { url, ranges } = await serve(giveAll());
    expect(await fill(url)).toMatchObject({ how: 'fetched', contents });
    expect(ranges).toEqual([`bytes=${size}-`]);
  });

  test.each([
    ['gives the whole again', giveAll(), [true]],
    [
      'refuses ranges',
      (request: IncomingMessage, response: ServerResponse) =>
        request.headers.range ? response.writeHead(416).end() : giveAll()(request, response),
      [true, false],
    ],
    [
      'gives another range than was asked for',
      (request: IncomingMessage, response: ServerResponse) =>
        request.headers.range
          ? response.writeHead(206, { 'content-range': `bytes 5-9/${archive.length}` }).end('12345')
          : giveAll()(request, response),
      [true, false],
    ],
  ] as const)('goes on with a server that %s', async (how, answer, asked) => {
    const broken = await serve(giveSome(some));
    await expect(fill(broken.url)).rejects.toMatchObject({ code: 'DOWNLOAD_FAILED' });
    server?.close();
    const whole = (request: IncomingMessage, response: ServerResponse) => {
      delete request.headers.range;
      answer(request, response);
    };
    const { url, ranges } = await serve(how === 'gives the whole again' ? whole : answer);
    expect(await fill(url)).toMatchObject({ how: 'fetched', contents });
    expect(ranges.map((range) => range !== undefined)).toEqual(asked);
  });

  test('by its signal is an interruption that keeps what came', async () => {
    const controller = new AbortController();
    const { url } = await serve((_, response) => {
      response.writeHead(200, { 'content-length': archive.length });
      response.write(archive.subarray(0, some));
    });
    const progress = { ...silent, update: () => controller.abort() };
    await expect(fill(url, { progress, signal: controller.signal })).rejects.toMatchObject({ code: 'INTERRUPTED' });
    expect((await stat(join(cache, 'aclImdb_v1.tar.gz.part'))).size).toBeGreaterThan(0);
  });

  test('of a file that was whole already fetches nothing', async () => {
    const { url, ranges } = await serve(giveAll());
    await fill(url);
    await rm(join(cache, 'reviews.pack'));
    await writeFile(join(cache, 'aclImdb_v1.tar.gz.part'), archive);
    expect(await fill(url)).toMatchObject({ how: 'fetched' });
    expect(ranges).toHaveLength(1);
  });

  test('after the transfer keeps the archive', async () => {
    const { url, ranges } = await serve(giveAll());
    const controller = new AbortController();
    const progress = { ...silent, start: (stage: string) => stage.startsWith('reading') && controller.abort() };
    await expect(fill(url, { progress, signal: controller.signal })).rejects.toMatchObject({ code: 'INTERRUPTED' });
    expect(await fill(url)).toMatchObject({ how: 'fetched' });
    expect(ranges).toHaveLength(1);
  });
});

describe('is refused, with nothing kept that would be used', () => {
  test.each([
    ['an answer of another size', giveAll(archive.subarray(1)), /the server offers \d+ bytes, not \d+/],
    [
      'an answer of unknown size',
      (_: IncomingMessage, r: ServerResponse) => r.writeHead(200, { 'transfer-encoding': 'chunked' }).end(archive),
      /a file of unknown size/,
    ],
    ['a missing file', (_: IncomingMessage, r: ServerResponse) => r.writeHead(404).end(), /the server answered 404/],
    ['a server error', (_: IncomingMessage, r: ServerResponse) => r.writeHead(503).end('busy'), /answered 503/],
  ])('%s', async (_, answer, message) => {
    const { url } = await serve(answer);
    await expect(fill(url)).rejects.toMatchObject({
      code: 'DOWNLOAD_FAILED',
      message: expect.stringMatching(message),
      hint: expect.stringMatching(/recurrent data imdb --from/),
    });
    expect(await readdir(cache)).toEqual([]);
  });

  test.each([
    [
      'damaged bytes of the right number',
      () => {
        const bytes = Buffer.from(archive);
        bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 0xff;
        return bytes;
      },
      /damaged/,
    ],
    ['a page instead of an archive', () => Buffer.alloc(archive.length, '<html>'), /no \.tar\.gz archive/],
  ])('%s', async (_, make, message) => {
    const { url } = await serve(giveAll(make()));
    await expect(fill(url)).rejects.toMatchObject({ code: 'DATA_INVALID', message: expect.stringMatching(message) });
    expect(await readdir(cache)).toEqual([]);
  });

  test('other reviews: their SHA-256 is said', async () => {
    const { url } = await serve(giveAll());
    const expected = { archiveBytes: archive.length, contents: '0'.repeat(64) };
    await expect(fill(url, { expected })).rejects.toMatchObject({
      code: 'DATA_INVALID',
      message: expect.stringContaining(`their SHA-256 is ${contents}, not 000`),
    });
    expect(await readdir(cache)).toEqual([]);
  });

  test('a server that is not there', async () => {
    const { url } = await serve(giveAll());
    await new Promise((resolve) => server?.close(resolve));
    server = undefined;
    await expect(fill(url)).rejects.toMatchObject({
      code: 'DOWNLOAD_FAILED',
      message: expect.stringMatching(/could not be fetched: fetch failed: .*ECONNREFUSED/),
      hint: expect.stringMatching(/aclImdb_v1\.tar\.gz \(84125825 bytes\).*RECURRENT_IMDB/),
    });
  });
});

describe('from files', () => {
  const expected = () => ({ archiveBytes: 1, contents });

  test('a folder, or an archive of whatever size', async () => {
    const path = join(folder, 'own.tgz');
    await writeFile(path, archive);
    for (const from of [folder, path]) {
      expect(await fillCache({ from, expected: expected(), progress: silent })).toMatchObject({
        how: 'read',
        contents,
      });
      await rm(join(cache, 'reviews.pack'));
    }
  });

  test('that are not there, or not all of the reviews, are refused', async () => {
    await expect(fillCache({ from: join(folder, 'no.tar.gz'), progress: silent })).rejects.toMatchObject({
      code: 'DATA_NOT_FOUND',
    });
    await expect(fillCache({ from: folder, progress: silent })).rejects.toMatchObject({
      code: 'DATA_INVALID',
      message: expect.stringMatching(/the 48 reviews of .* are not those of the authors/),
    });
  });

  test('the real ones are', async (context) => {
    if (!realReviews) {
      console.log(`skipped: ${whyNoReviews}`);
      return context.skip(whyNoReviews);
    }
    const filled = await fillCache({ from: realReviews.archive, progress: silent });
    expect(filled).toMatchObject({ how: 'read', reviews: 50_000 });
  });
});
