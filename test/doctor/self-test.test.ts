import { expect, it } from 'vitest';
import { compare, practise, untrained } from '../../src/doctor/self-test.ts';
import { runners } from '../../src/parity/runners.ts';
import type { EngineProvider } from '../../src/training/engine.ts';
import { jsEngine } from '../../src/training/engines/js/engine.ts';

/** Engine js, with its learning rate times `factor`. */
const hurried = (factor: number): EngineProvider => ({
  ...jsEngine,
  async prepare(options) {
    const engine = await jsEngine.prepare(options);
    return { ...engine, step: (batch, address, rate) => engine.step(batch, address, factor * rate) };
  },
});

it('takes an engine that learns for one that works, and no other', async () => {
  const { firstLoss, lastLoss } = await practise(hurried(1), 1);
  expect(lastLoss).toBeLessThan(0.8 * firstLoss);
  for (const factor of [0, -1, Number.NaN])
    await expect(practise(hurried(factor), 1)).rejects.toMatchObject({ code: 'ENGINE_FAILED' });
});

it('compares with the reference, and with everybody else', async () => {
  const { maxAbsError, runners: ran, pairs } = await compare(untrained(), [runners.js, runners.wasm]);
  expect(ran.map(({ name }) => name)).toEqual(['reference', 'js', 'wasm']);
  expect(pairs).toHaveLength(3);
  expect(maxAbsError).toBeGreaterThan(0);
});
