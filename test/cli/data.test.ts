import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { writeReviews } from '../support/reviews.ts';
import { cli, cliJson, cliRefusal, quickly, useCli } from './run-cli.ts';

const place = useCli();
const emptyCache = () => ({ env: { XDG_CACHE_HOME: join(place.folder, 'cache'), RECURRENT_IMDB: '' } });

describe('recurrent data', () => {
  it('says what to fetch and where to put it when there is no network', async () => {
    // Port 9 is that of `discard`, where nothing listens.
    const { code, hint } = await cliRefusal(['data', 'imdb', '--url', 'http://127.0.0.1:9/x.tar.gz'], 1, emptyCache());
    expect(code).toBe('DOWNLOAD_FAILED');
    expect(hint).toMatch(
      /https:.*aclImdb_v1\.tar\.gz \(84125825 bytes\).*recurrent data imdb --from aclImdb_v1\.tar\.gz/,
    );
  });

  it.each([
    ['another data set', ['data', 'mnist'], 'DATA_NOT_FOUND'],
    ['no data set', ['data'], 'OPTION_INVALID'],
    ['two sources', ['data', 'imdb', '--from', 'x', '--url', 'y'], 'OPTION_INVALID'],
    ['a file that is not there', ['data', 'imdb', '--from', 'no.tar.gz'], 'DATA_NOT_FOUND'],
  ])('refuses %s', async (_, args, code) => {
    expect(await cliRefusal(args, 2, emptyCache())).toMatchObject({ code });
  });
});

describe('--data imdb', () => {
  it('is refused without reviews, with the ways to get them', async () => {
    const args = ['train', 'lstm', '--data', 'imdb', '--out', join(place.folder, 'none')];
    expect(await cliRefusal(args, 2, emptyCache())).toMatchObject({
      code: 'DATA_NOT_FOUND',
      hint: expect.stringContaining('recurrent data imdb'),
    });
  });

  it('trains, exports, classifies and evaluates with the ids of the recipe', async () => {
    const reviews = join(place.folder, 'reviews');
    await mkdir(reviews);
    await writeReviews(reviews);
    const run = join(place.folder, 'run');
    const onnx = join(run, 'model.onnx');
    const data = ['--data', 'imdb', '--imdb-path', reviews];
    const trained = await cliJson(['train', 'lstm', ...data, '--out', run, ...quickly], emptyCache());
    expect(trained).toMatchObject({
      options: {
        testSplit: 0.5,
        validationSplit: 5 / 48,
        tokenizer: { lowercase: 'ascii', startId: 1, firstWordId: 4 },
      },
      test: { examples: 24 },
    });
    await cliJson(['export', run, '--out', onnx], emptyCache());
    const held = await cliJson(['evaluate', onnx, '--data', 'imdb'], {
      env: { ...emptyCache().env, RECURRENT_IMDB: reviews },
    });
    expect(held).toMatchObject({
      split: 'test',
      examples: 24,
      accuracy: (trained.test as { accuracy: number }).accuracy,
    });
    const { preprocessing } = await cliJson(['inspect', onnx], emptyCache());
    expect(preprocessing).toMatchObject({ tokenizer: { startId: 1, oovId: 2, firstWordId: 4, lowercase: 'ascii' } });
    const { status, stdout } = await cli(['predict', onnx, 'a FINE film'], emptyCache());
    expect({ status, stdout }).toMatchObject({ status: 0, stdout: expect.stringMatching(/^(neg|pos)\t/) });
  });

  it.each([
    ['--test-split', '0.3', /^testSplit 0\.3 does not apply/],
    ['--validation-split', '0.3', /^validationSplit 0\.3 does not apply/],
    ['--split-seed', '3', /^splitSeed 3 does not apply/],
  ])('refuses %s by name', async (flag, value, message) => {
    const reviews = join(place.folder, 'others');
    await writeReviews(reviews);
    const args = [
      'train',
      'lstm',
      '--data',
      'imdb',
      '--imdb-path',
      reviews,
      '--out',
      join(place.folder, 'no'),
      flag,
      value,
    ];
    expect(await cliRefusal(args, 2, emptyCache())).toMatchObject({
      code: 'OPTION_UNSUPPORTED',
      message: expect.stringMatching(message),
    });
  });
});
