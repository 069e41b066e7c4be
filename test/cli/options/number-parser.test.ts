import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { numberOf, numberParser } from '../../../src/cli/options/number-parser.ts';
import { RecurrentError } from '../../../src/core/errors.ts';
import { runOptionsSchema } from '../../../src/training/options.ts';

const { epochs, learningRate, validationSplit, threads, seed } = runOptionsSchema.shape;

function messageOf(work: () => unknown): string {
  try {
    return `read as ${String(work())}`;
  } catch (error) {
    if (error instanceof RecurrentError && error.code === 'OPTION_INVALID') return error.message;
    throw error;
  }
}

describe('whole numbers', () => {
  const parse = numberParser('--epochs', numberOf(epochs));

  it('in range are read as they are written', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 1_000_000 }), (value) => parse(String(value)) === value));
  });

  it.each([
    'abc',
    '-1',
    '+1',
    '0',
    '1e3',
    '1.5',
    '1.0',
    '0x10',
    ' 5',
    '5 ',
    '',
    'NaN',
    'Infinity',
    '1000001',
    '٣',
    '1_000',
  ])('%j is refused', (text) => {
    const said = `--epochs takes a whole number from 1 to 1000000, not ${JSON.stringify(text)}`;
    expect(messageOf(() => parse(text))).toBe(said);
  });

  it('that a double cannot hold are refused', () => {
    const parseSeed = numberParser('--seed', numberOf(seed));
    expect(parseSeed('9007199254740991')).toBe(9007199254740991);
    expect(messageOf(() => parseSeed('9007199254740993'))).toMatch(/^--seed takes a whole number from 0, not/);
  });

  it('have their range under optional(), too', () => {
    expect(messageOf(() => numberParser('--threads', numberOf(threads))('0'))).toContain('from 1 to 1024');
  });
});

describe('real numbers', () => {
  const parse = numberParser('--learning-rate', numberOf(learningRate));

  it('in range are read as JavaScript writes them', () => {
    const values = fc.double({ min: 1e-300, max: 1e6, noNaN: true }).filter((value) => value > 0);
    fc.assert(fc.property(values, (value) => parse(String(value)) === value));
  });

  it.each(['1.', '.5', '1E-3', '1e+2'])('%j is read', (text) => {
    expect(parse(text)).toBe(Number(text));
  });

  it.each(['abc', '-0.1', '0', '1e-400', 'NaN', 'Infinity', '1e400', '0,1', '.', '1e7', '', ' 1', '1e', '0x1p3'])(
    '%j is refused',
    (text) => {
      expect(messageOf(() => parse(text))).toBe(
        `--learning-rate takes a number above 0 and at most 1000000, not ${JSON.stringify(text)}`,
      );
    },
  );

  it('say whether the lowest is among them', () => {
    const parseShare = numberParser('--test-split', numberOf(validationSplit));
    expect(parseShare('0')).toBe(0);
    expect(messageOf(() => parseShare('1'))).toContain('from 0 to 0.9');
  });
});

it('the plain number is found under defaults', () => {
  expect(numberOf(z.int().min(4).max(9).optional().default(5)).minValue).toBe(4);
});
