import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countParameters, planModel } from '../../models/plan.ts';
import { parseSpec } from '../../models/spec.ts';
import { chapterModels } from '../../models/zoo/chapter-models.ts';
import { zooModel } from '../../models/zoo/zoo.ts';
import { authors } from '../../src/chapter/authors.ts';
import { toCsv } from '../../src/chapter/csv.ts';
import {
  authorsSeconds,
  deviationsFrom,
  millisecondsPerStep,
  trainingSeconds,
  writeSpread,
} from '../../src/chapter/figures.ts';
import { timeLeft } from '../../src/chapter/time-left.ts';

describe('figures', () => {
  it('of one run stand alone, of several with the deviation of the sample', () => {
    expect(writeSpread([0.5])).toBe('0.5000');
    // Mean 5, squares 9 + 1 + 1 + 1 + 0 + 0 + 4 + 16 = 32 over 7.
    expect(writeSpread([2, 4, 4, 4, 5, 5, 7, 9])).toBe('5.0000 ± 2.1381');
    expect(writeSpread([])).toBe('—');
  });

  it('say how far another lies off, from three runs on', () => {
    expect(deviationsFrom([1, 2, 3], 4)).toBe(2);
    expect(deviationsFrom([1, 2], 4)).toBeUndefined();
    expect(deviationsFrom([1, 1, 1], 1)).toBeUndefined();
  });

  it('of time leave out epochs that were not timed', () => {
    expect(millisecondsPerStep({ epochSeconds: [null, 4, 2, 3], stepsPerEpoch: 100 })).toBe(30);
    expect(millisecondsPerStep({ epochSeconds: [null], stepsPerEpoch: 100 })).toBeUndefined();
    expect(trainingSeconds({ epochSeconds: [4, 2, 3] })).toBe(9);
    expect(trainingSeconds({ epochSeconds: [null, 4] })).toBeUndefined();
    // 10 epochs of 100 steps of 6 ms.
    expect(authorsSeconds({ epochs: 10, millisecondsPerStep: [5, 7] }, 100)).toBe(6);
    expect(authorsSeconds({ epochs: 10 }, 100)).toBeUndefined();
  });
});

it('the time left is that of the same models, else the average', () => {
  expect(timeLeft([], ['a'])).toBeUndefined();
  const done = [
    { model: 'a', seconds: 10 },
    { model: 'a', seconds: 20 },
    { model: 'b', seconds: 60 },
  ];
  expect(timeLeft(done, ['a', 'b', 'c'])).toBe(15 + 60 + 30);
  expect(timeLeft(done, [])).toBe(0);
});

it('a CSV file says every text again', () => {
  const cell = fc.string({ unit: fc.constantFrom('a', ' ', ',', '"', '\n', '\r', 'é', '映') });
  const rows = fc.array(fc.record({ name: cell, other: cell }), { minLength: 1 });
  fc.assert(
    fc.property(rows, (given) => {
      expect(parse(toCsv(given), { columns: true, record_delimiter: '\n' })).toEqual(given);
    }),
  );
  expect(
    toCsv([
      { a: 1.5, b: null },
      { a: 1e-7, b: true },
    ]),
  ).toBe('a,b\n1.5,\n1e-7,true\n');
});

it.each(chapterModels)('the authors’ table counts the parameters of %s as the zoo does', (name) => {
  const { build, defaults } = zooModel(name);
  const plan = planModel(parseSpec(build({ vocabularySize: defaults.vocabularySize, classes: 2 })));
  expect(countParameters(plan)).toBe(authors[name].parameters);
});
