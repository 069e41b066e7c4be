import { describe, expect, it } from 'vitest';
import { formatBytes } from '../../src/core/format-bytes.ts';
import { formatCountOf, formatSeconds, formatShare, formatSmall } from '../../src/core/format-numbers.ts';

describe('numbers', () => {
  it.each([
    [0, '0.00 s'],
    [9.994, '9.99 s'],
    [59.94, '59.9 s'],
    [59.96, '1 min 00 s'],
    [125.4, '2 min 05 s'],
  ])('%d seconds are %s', (seconds, text) => expect(formatSeconds(seconds)).toBe(text));

  it.each([
    [999, '999 B'],
    [1000, '1.0 KB'],
    [999_949, '999.9 KB'],
    [999_950, '1.0 MB'],
    [999_949_999, '999.9 MB'],
    [1_234_000_000, '1.2 GB'],
  ])('%d bytes are %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text));

  it('have a unit in the right number', () => {
    expect(formatCountOf(1, 'text')).toBe('1 text');
    expect(formatCountOf(6046, 'text')).toBe('6,046 texts');
    expect(formatCountOf(2, 'class', 'classes')).toBe('2 classes');
    expect(formatShare(0.96526)).toBe('96.53 %');
    expect(formatSmall(0)).toBe('0');
    expect(formatSmall(4.012e-6)).toBe('4.01e-6');
  });
});
