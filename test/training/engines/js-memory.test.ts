/** The memory that the `js` engine says it needs, against what one step of it allocates. */
import fc from 'fast-check';
import { afterEach, expect, it } from 'vitest';
import { jsEngine } from '../../../src/training/engines/js/engine.ts';
import { adam } from '../../../src/training/optimisers.ts';
import { arbitraryCase, materialise } from '../../support/arbitrary-spec.ts';

const constructors = { Float32Array, Int32Array, Uint8Array };
afterEach(() => Object.assign(globalThis, constructors));

/** Counts the bytes of all typed arrays that are made, until the returned function is called. */
function countAllocations(): () => number {
  let bytes = 0;
  for (const [name, original] of Object.entries(constructors)) {
    const counting = new Proxy(original, {
      construct(target, args: unknown[]) {
        const made = Reflect.construct(target, args) as Float32Array;
        if (!(args[0] instanceof ArrayBuffer)) bytes += made.byteLength;
        return made;
      },
    });
    Object.assign(globalThis, { [name]: counting });
  }
  return () => {
    Object.assign(globalThis, constructors);
    return bytes;
  };
}

it('is a bound on what a step allocates, and no loose one (200 random models)', async () => {
  const ratios: number[] = [];
  await fc.assert(
    fc.asyncProperty(arbitraryCase(), async (modelCase) => {
      const large = { ...modelCase, rows: 16, time: 24 }; // the layers outweigh what is counted by the id
      const { weights, batch } = materialise(large);
      const { spec, rows, time } = large;
      const [, step] = jsEngine.memory({ spec, optimiser: adam, threads: 1, rows, time });
      const engine = await jsEngine.prepare({ spec, weights, optimiser: adam, threads: 1 });
      const allocated = countAllocations();
      await engine.step(batch, { seed: 0, epoch: 0, step: 0 }, 0.01);
      const bytes = allocated();
      await engine.dispose();
      expect(bytes).toBeLessThanOrEqual(step?.bytes ?? 0);
      ratios.push((step?.bytes ?? 0) / bytes);
    }),
    { numRuns: 200, seed: 1 },
  );
  expect(Math.max(...ratios)).toBeLessThan(2);
});
