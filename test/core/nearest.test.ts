import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nearestNames } from '../../src/core/nearest.ts';

const commands = ['train', 'evaluate', 'export', 'predict', 'parity', 'inspect', 'models', 'demo'];

describe('nearestNames', () => {
  it.each([
    ['trian', ['train']],
    ['TRAIN', ['train']],
    ['evaluat', ['evaluate']],
    ['predictt', ['predict']],
    ['model', ['models']],
    ['pariti', ['parity']],
    ['val', ['evaluate']],
    ['serve', []],
    ['x', []],
    ['', []],
  ])('of %j are %j', (typed, nearest) => {
    expect(nearestNames(typed, commands)).toEqual(nearest);
  });

  it('finds a name through any one slip of a finger, and gives three at most', () => {
    const slip = fc.tuple(
      fc.constantFrom(...commands),
      fc.nat(20),
      fc.constantFrom('drop' as const, 'double' as const, 'replace' as const, 'swap' as const),
    );
    fc.assert(
      fc.property(slip, ([name, place, kind]) => {
        const at = place % name.length;
        const middle = {
          drop: '',
          double: name.slice(at, at + 1).repeat(2),
          replace: '_',
          swap: [...name.slice(at, at + 2)].reverse().join(''),
        }[kind];
        const found = nearestNames(name.slice(0, at) + middle + name.slice(at + (kind === 'swap' ? 2 : 1)), commands);
        expect(found).toContain(name);
        expect(found.length).toBeLessThanOrEqual(3);
      }),
    );
  });
});
