import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nearDuplicateGroups } from '../../src/data/near-duplicates.ts';

/** Jaccard similarity straight from its definition, on texts of plain lower-case words. */
function similarity(a: string, b: string): number {
  const shingles = (text: string) => {
    const words = text.split(' ').filter(Boolean);
    if (words.length < 3) return new Set([words.join(' ')]);
    return new Set(words.slice(2).map((_, at) => words.slice(at, at + 3).join(' ')));
  };
  const [left, right] = [shingles(a), shingles(b)];
  const common = [...left].filter((shingle) => right.has(shingle)).length;
  return common / (left.size + right.size - common);
}

/** Every pair compared, groups spread until nothing changes. */
function groupsByBruteForce(texts: readonly string[]): number[] {
  const groups = texts.map((_, index) => index);
  for (let changed = true; changed; ) {
    changed = false;
    for (const [i, a] of texts.entries()) {
      for (const [j, b] of texts.entries()) {
        const [left, right] = [groups[i] as number, groups[j] as number];
        if (left <= right || similarity(a, b) < 0.7) continue;
        groups[i] = right;
        changed = true;
      }
    }
  }
  const order = [...new Set(groups)];
  return groups.map((group) => order.indexOf(group));
}

const words = fc.oneof(
  fc.array(fc.constantFrom(...'abc'), { maxLength: 6 }),
  fc.array(fc.constantFrom(...'abcdefghijkl'), { minLength: 12, maxLength: 30 }),
);
/** Texts of which many are another one with a few words changed, so that similarities lie around the threshold. */
const kin = fc
  .array(fc.tuple(words, fc.array(fc.tuple(fc.nat(29), fc.constantFrom(...'abcxyz')), { maxLength: 2 }), fc.boolean()))
  .map((drafts) => {
    let last: string[] = [];
    return drafts.map(([fresh, edits, derived]) => {
      const text = derived ? [...last] : [...fresh];
      for (const [at, word] of edits) if (at < text.length) text[at] = word;
      last = text;
      return text.join(' ');
    });
  });

test('groups are those of comparing every pair', () => {
  let joined = 0;
  let borderline = 0;
  fc.assert(
    fc.property(kin, (texts) => {
      const groups = [...nearDuplicateGroups(texts)];
      expect(groups).toEqual(groupsByBruteForce(texts));
      joined += texts.length - new Set(groups).size;
      borderline += texts.filter((text, at) => Math.abs(similarity(text, texts[at - 1] ?? '') - 0.7) < 0.1).length;
    }),
    { numRuns: 1000 },
  );
  expect(joined, 'the texts must hold near duplicates, else this shows nothing').toBeGreaterThan(500);
  expect(borderline, 'and pairs near the threshold').toBeGreaterThan(200);
});

describe('near duplicates are', () => {
  const base = Array.from({ length: 12 }, (_, index) => `word${index}`); // 10 shingles

  test.each([
    [21, 16, '14 of 19 shingles are shared', true],
    [22, 16, '14 of 20: exactly 0.7', true],
    [23, 16, '14 of 21: 0.667', false],
  ])('a text of %i words and its first %i: %s, %s', (length, kept, _, expected) => {
    const long = Array.from({ length }, (_, index) => `word${index}`);
    const [a, b] = nearDuplicateGroups([long.join(' '), long.slice(0, kept).join(' ')]);
    expect(a === b).toBe(expected);
  });

  test('equal but for case and punctuation', () => {
    expect([...nearDuplicateGroups([base.join(' '), `"${base.join(', ').toUpperCase()}!"`])]).toEqual([0, 0]);
  });

  test('chained: a like b, b like c, though a is not like c', () => {
    const texts = [base, [...base.slice(1), 'x'], [...base.slice(2), 'x', 'y']].map((text) => text.join(' '));
    expect(similarity(texts[0] as string, texts[2] as string)).toBeLessThan(0.7);
    expect([...nearDuplicateGroups(texts)]).toEqual([0, 0, 0]);
  });

  test('short texts only when their words are equal', () => {
    expect([...nearDuplicateGroups(['', 'hi', 'Hi!', 'hi you', '...', 'hi you there', 'you hi'])]).toEqual([
      0, 1, 1, 2, 0, 3, 4,
    ]);
  });
});

/**
 * All of the texts take about four times what a quarter of them takes, where sixteen times would be quadratic. It is time
 * of the processor, in which others have no part; what the collector of garbage adds to it may differ from try to try.
 */
function expectLinear(texts: readonly string[]): void {
  const timeOf = (some: readonly string[]): number => {
    const before = process.cpuUsage();
    nearDuplicateGroups(some);
    const { user, system } = process.cpuUsage(before);
    return user + system;
  };
  const growth = () => timeOf(texts) / timeOf(texts.slice(0, texts.length / 4));
  const tries = [growth()];
  while (Math.min(...tries) > 8 && tries.length < 3) tries.push(growth());
  expect(Math.min(...tries)).toBeLessThan(8);
}

test('many different texts above one long footer do not take quadratic time', () => {
  const footer = Array.from({ length: 300 }, (_, index) => `footer${index}`).join(' ');
  const texts = Array.from(
    { length: 5_000 },
    (_, text) => `${Array.from({ length: 100 }, (_, index) => `word${index}of${text}`).join(' ')} ${footer}`,
  );
  expect(new Set(nearDuplicateGroups(texts)).size).toBe(texts.length); // 298 of 500 shingles are shared: 0.6
  expectLinear(texts);
});

test('many texts of one template do not take quadratic time', () => {
  const template = Array.from({ length: 40 }, (_, index) => `word${index}`).join(' ');
  const texts = Array.from({ length: 20_000 }, (_, index) => `${template} number${index}`);
  expect(new Set(nearDuplicateGroups(texts)).size).toBe(1);
  expectLinear(texts);
});
