/** What the kernels compute outside a model: whatever was computed in between, a way back belongs to its forward pass. */
import { expect, it } from 'vitest';
import type { RecurrentLayer } from '../../../models/layers.ts';
import { createRandom } from '../../../src/core/random.ts';
import { createLoneRecurrence, type LoneRecurrenceInputs } from '../../../src/training/engines/wasm/lone/recurrence.ts';

const layer: RecurrentLayer = {
  ...{ type: 'gru', name: 'gru', units: 3, activation: 'tanh', recurrentActivation: 'sigmoid', resetAfter: true },
  ...{ bias: 'double', returnSequences: true, goBackwards: false, dropout: 0, recurrentDropout: 0 },
};

function callOf(batch: number, time: number, seed: number) {
  const random = createRandom({ seed, purpose: 'shuffle' });
  const values = (size: number) => Float32Array.from({ length: size }, () => random.below(2001) / 1000 - 1);
  const inputs: LoneRecurrenceInputs = {
    sums: values(time * batch * 9),
    kernel: values(27),
    bias: values(9),
    dropped: undefined,
    initial: [values(batch * 3)],
    mask: undefined,
  };
  const shape = { batch, time, masked: false, biased: true, drops: false };
  return { shape, inputs, dy: values(time * batch * 3) };
}

it('goes back twice, and after other calls of the same and of another shape', () => {
  const lone = createLoneRecurrence(layer);
  const [one, same, other] = [callOf(5, 7, 1), callOf(5, 7, 2), callOf(9, 3, 3)];
  const states = lone.forward(one.shape, one.inputs);
  const back = () => lone.backward(one.shape, one.inputs, one.dy);
  const first = back();
  expect(first.kernel.some((value) => Math.abs(value) > 0.1)).toBe(true);
  expect(back()).toEqual(first);
  for (const { shape, inputs, dy } of [same, other]) {
    lone.forward(shape, inputs);
    expect(back()).toEqual(first);
    lone.backward(shape, inputs, dy);
    expect(back()).toEqual(first);
  }
  expect(lone.forward(one.shape, one.inputs)).toEqual(states);
});
