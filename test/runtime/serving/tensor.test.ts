import { expect, it } from 'vitest';
import { readIds } from '../../../runtime/serving/protocol/tensor.ts';

it('refuses a shape whose product is beyond all numbers, before anything is made of that size', () => {
  const tensor = { name: 'ids', datatype: 'INT32', elements: { kind: 'json', data: [1] } } as const;
  for (const shape of [[2 ** 30, 2 ** 30], [2 ** 52, 4], Array<number>(300).fill(2 ** 20)]) {
    expect(() => readIds({ ...tensor, shape })).toThrow(expect.objectContaining({ code: 'INPUT_INVALID' }));
  }
});
