import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Dataset } from '../../src/data/dataset.ts';
import { type SplitOptions, splitDataset } from '../../src/data/split.ts';

/** Examples with the given labels, each a group of its own unless groups are given. */
function datasetOf(exampleLabels: readonly number[], groups = exampleLabels.map((_, index) => index)): Dataset {
  return {
    source: 'made',
    labels: ['ham', 'spam', 'other'].slice(0, exampleLabels.reduce((most, label) => Math.max(most, label), 0) + 1),
    examples: exampleLabels.map((label, index) => ({ id: `${index}`, text: `text ${index}`, label })),
    notes: [],
    groups: Int32Array.from(groups),
  };
}

const usual: SplitOptions = { seed: 0, testSplit: 0.2, validationSplit: 0.1 };
const countLabels = (dataset: Dataset, part: Int32Array) =>
  dataset.labels.map((_, label) => part.filter((index) => dataset.examples[index]?.label === label).length);

describe('without near duplicates', () => {
  const manyLabels = fc
    .tuple(fc.integer({ min: 20, max: 300 }), fc.integer({ min: 20, max: 100 }), fc.integer({ min: 20, max: 60 }))
    .map((counts) => counts.flatMap((count, label) => Array<number>(count).fill(label)));
  const options = fc.record({
    seed: fc.nat(),
    testSplit: fc.constantFrom(0, 0.1, 0.2, 0.33),
    validationSplit: fc.constantFrom(0, 0.1, 0.25),
  });

  test('every example is in one part, sizes are exact, and each label is within one of its share', () => {
    fc.assert(
      fc.property(manyLabels, options, (labels, { seed, testSplit, validationSplit }) => {
        const dataset = datasetOf(labels);
        const { train, validation, test: held } = splitDataset(dataset, { seed, testSplit, validationSplit });
        const all = [...train, ...validation, ...held].sort((a, b) => a - b);
        expect(all).toEqual(labels.map((_, index) => index));
        expect(held.length).toBe(Math.round(labels.length * testSplit));
        expect(validation.length).toBe(Math.round(labels.length * validationSplit));
        for (const part of [train, validation, held]) {
          expect([...part]).toEqual([...part].sort((a, b) => a - b));
          const whole = countLabels(dataset, Int32Array.from(labels.keys()));
          for (const [label, count] of countLabels(dataset, part).entries()) {
            // Train takes what the rounding of two parts leaves: up to one from each.
            const share = ((whole[label] as number) * part.length) / labels.length;
            expect(Math.abs(count - share)).toBeLessThan(part === train ? 2 : 1);
          }
        }
      }),
    );
  });

  test('the same seed draws the same parts, another one others', () => {
    const dataset = datasetOf(Array.from({ length: 200 }, (_, index) => index % 2));
    expect(splitDataset(dataset, usual)).toEqual(splitDataset(dataset, usual));
    expect(splitDataset(dataset, { ...usual, seed: 1 }).test).not.toEqual(splitDataset(dataset, usual).test);
  });

  test('each example is held out about as often as any other', () => {
    const dataset = datasetOf(Array.from({ length: 50 }, (_, index) => (index % 5 ? 0 : 1)));
    const held = new Array<number>(50).fill(0);
    for (let seed = 0; seed < 2000; seed++) {
      for (const index of splitDataset(dataset, { ...usual, seed }).test) held[index] = (held[index] as number) + 1;
    }
    // Binomial(2000, 0.2): mean 400, standard deviation 17.9; six deviations.
    expect(Math.min(...held)).toBeGreaterThan(400 - 108);
    expect(Math.max(...held)).toBeLessThan(400 + 108);
  });
});

describe('with groups', () => {
  const grouped = fc.array(fc.tuple(fc.nat(1), fc.integer({ min: 1, max: 5 }), fc.boolean()), {
    minLength: 30,
    maxLength: 80,
  });

  test('no group is divided, and sizes are exact as long as single examples can fill them', () => {
    fc.assert(
      fc.property(grouped, fc.nat(), (groups, seed) => {
        const singles = [0, 1].flatMap((label) => Array<number>(40).fill(label));
        const labels = [...singles];
        const groupOf = singles.map((_, index) => index);
        for (const [group, [label, size, mixed]] of groups.entries()) {
          for (let member = 0; member < size; member++) {
            labels.push(mixed && member === 0 ? 1 - label : label);
            groupOf.push(1000 + group);
          }
        }
        const split = splitDataset(datasetOf(labels, groupOf), { ...usual, seed });
        const partsOf = new Map<number, Set<string>>();
        for (const part of ['train', 'validation', 'test'] as const) {
          for (const index of split[part]) {
            const group = groupOf[index] as number;
            partsOf.set(group, (partsOf.get(group) ?? new Set()).add(part));
          }
        }
        expect([...partsOf.values()].every(({ size }) => size === 1)).toBe(true);
        expect(split.test.length).toBe(Math.round(labels.length * 0.2));
        expect(split.validation.length).toBe(Math.round(labels.length * 0.1));
        const several = groups.filter(([, size]) => size > 1);
        expect(split.duplicates).toEqual({
          groups: several.length,
          examples: several.reduce((sum, [, size]) => sum + size, 0),
        });
      }),
    );
  });

  test('groups are held out about as often as single examples', () => {
    const groupOf = Array.from({ length: 100 }, (_, index) => (index < 40 ? index >> 2 : index));
    const dataset = datasetOf(
      groupOf.map(() => 0),
      groupOf,
    );
    let held = 0;
    for (let seed = 0; seed < 1000; seed++) {
      held += splitDataset(dataset, { ...usual, seed }).test.filter((index) => index < 40).length;
    }
    // 10,000 groups of four at 0.2: mean 8,000 examples, standard deviation below 4 · √1600 = 160; six deviations.
    expect(Math.abs(held - 8000)).toBeLessThan(960);
  });

  test('near-duplicate texts are the groups where the dataset states none', () => {
    const texts = Array.from(
      { length: 40 },
      (_, index) => `mail ${index >> 1} is about subject ${index >> 1}, and so on`,
    );
    const split = splitDataset(
      {
        source: 'made',
        labels: ['a', 'b'],
        examples: texts.map((text, index) => ({ id: `${index}`, text, label: (index >> 1) % 2 })),
        notes: [],
      },
      usual,
    );
    expect(split.duplicates).toEqual({ groups: 20, examples: 40 });
    expect([...split.test].filter((index) => index % 2 === 0).map((index) => index + 1)).toEqual(
      [...split.test].filter((index) => index % 2 === 1),
    );
  });

  test('a group may be larger than the arguments of a function can be many', () => {
    const size = 200_000;
    const labels = Array.from({ length: size + 100 }, (_, index) => index % 2);
    const split = splitDataset(
      datasetOf(
        labels,
        labels.map((_, index) => Math.max(0, index - size)),
      ),
      { seed: 0, testSplit: 1e-4, validationSplit: 5e-5 },
    );
    expect([split.train.length, split.validation.length, split.test.length]).toEqual([size + 70, 10, 20]);
    expect(split.duplicates).toEqual({ groups: 1, examples: size + 1 });
  });

  test('a group that fits nowhere goes to train', () => {
    const labels = Array.from({ length: 100 }, (_, index) => index % 2);
    const split = splitDataset(
      datasetOf(
        labels,
        labels.map((_, index) => (index < 80 ? 0 : index)),
      ),
      usual,
    );
    expect(split.train.filter((index) => index < 80).length).toBe(80);
    expect(split.train.length + split.validation.length + split.test.length).toBe(100);
  });
});

describe('refusals', () => {
  test.each([
    { testSplit: -0.1 },
    { testSplit: 1, validationSplit: 0 },
    { testSplit: 0.6, validationSplit: 0.4 },
    { validationSplit: Number.NaN },
  ])('shares out of range: %o', (shares) => {
    expect(() => splitDataset(datasetOf([0, 1]), { ...usual, ...shares })).toThrow(
      expect.objectContaining({ code: 'OPTION_INVALID' }),
    );
  });

  test.each([
    ['validation', [...Array<number>(100).fill(0), 1, 1]],
    ['train', [...Array<number>(4).fill(0), ...Array<number>(4).fill(1), 2]],
  ])('a class with no example left for the %s part', (_, labels) => {
    expect(() => splitDataset(datasetOf(labels), { seed: 0, testSplit: 0.4, validationSplit: 0.2 })).toThrow(
      expect.objectContaining({ code: 'DATA_LABELS' }),
    );
  });

  test('no test part is asked for: none is drawn, and no class is missed in it', () => {
    const split = splitDataset(datasetOf([0, 0, 1, 1]), { seed: 0, testSplit: 0, validationSplit: 0.5 });
    expect([split.train.length, split.validation.length, split.test.length]).toEqual([2, 2, 0]);
  });
});
