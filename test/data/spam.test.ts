/**
 * The published split of the spam mails. `vitest run test/data/spam -u` writes both files anew; a change of them
 * changes every published figure.
 */
import { createHash } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Dataset, datasetFingerprint } from '../../src/data/dataset.ts';
import { loadDataset } from '../../src/data/load.ts';
import { type Split, splitDataset } from '../../src/data/split.ts';

let mails: Dataset;
let split: Split;
let seconds: number;
beforeAll(async () => {
  const start = process.cpuUsage();
  mails = await loadDataset('spam');
  seconds = process.cpuUsage(start).user / 1e6;
  split = splitDataset(mails, { seed: 0, testSplit: 0.2, validationSplit: 0.1 });
});

test('4,150 ham and 1,896 spam, each with its own id', () => {
  expect(mails.labels).toEqual(['ham', 'spam']);
  expect(mails.examples.filter(({ label }) => label === 0).length).toBe(4150);
  expect(mails.examples.filter(({ label }) => label === 1).length).toBe(1896);
  expect(new Set(mails.examples.map(({ id }) => id)).size).toBe(6046);
  expect(mails.examples.find(({ id }) => id === 'spam-1/00001.7848dde101aa985090474a91ec93fcf0')?.text).toMatch(
    /^Life Insurance - Why Pay More\?\n/,
  );
});

test('texts hold words of the body and no header that gives the label away', () => {
  const withHeader = mails.examples.filter(({ text }) =>
    /^(From .*\d{4}|Return-Path:|Received:|Delivered-To:)/.test(text),
  );
  expect(withHeader).toEqual([]);
});

test('bytes are decoded by their charset: little is lost', () => {
  expect(mails.notes).toEqual(['148 mails hold characters of an undeclared charset']);
  expect(mails.examples.filter(({ text }) => text.includes('\ufffd')).length).toBe(148);
});

test('is read in less than 15 seconds of one core', () => {
  // 4 to 8 were seen on a busy machine; without handing bodies to the MIME parser in one piece it is over 12.
  expect(seconds).toBeLessThan(15);
});

describe('the split', () => {
  const idsOf = (part: Int32Array) => Array.from(part, (index) => mails.examples[index]?.id ?? '');
  const describePart = (part: Int32Array) => ({
    examples: part.length,
    ham: part.filter((index) => mails.examples[index]?.label === 0).length,
    spam: part.filter((index) => mails.examples[index]?.label === 1).length,
    sha256OfIds: createHash('sha256').update(idsOf(part).join('\n')).digest('hex'),
  });

  test('is the published one', async () => {
    const summary = {
      seed: 0,
      testSplit: 0.2,
      validationSplit: 0.1,
      fingerprint: datasetFingerprint(mails),
      nearDuplicates: split.duplicates,
      train: describePart(split.train),
      validation: describePart(split.validation),
      test: describePart(split.test),
    };
    await expect(`${JSON.stringify(summary, null, 2)}\n`).toMatchFileSnapshot('../fixtures/spam-split.json');
  });

  test('names its test and validation mails', async () => {
    const ids = { validation: idsOf(split.validation), test: idsOf(split.test) };
    await expect(`${JSON.stringify(ids, null, 1)}\n`).toMatchFileSnapshot('../../benchmarks/spam-split.json');
  });

  test('holds exact shares', () => {
    expect(describePart(split.test)).toMatchObject({ examples: 1209, ham: 830, spam: 379 });
    expect(describePart(split.validation)).toMatchObject({ examples: 605, ham: 415, spam: 190 });
    expect(split.train.length).toBe(4232);
  });
});
