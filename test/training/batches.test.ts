import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Side } from '../../models/text/preprocessing.ts';
import { createRandom, permutation } from '../../src/core/random.ts';
import { batches, unpaddedSteps } from '../../src/training/batches.ts';
import { bucketOrder, orderByLength } from '../../src/training/bucket-order.ts';
import type { EncodedSet } from '../../src/training/encoded-set.ts';
import { jsEngine } from '../../src/training/engines/js/engine.ts';
import { wasmEngine } from '../../src/training/engines/wasm/engine.ts';
import { withoutPadding } from '../../src/training/evaluate-set.ts';
import { sgd } from '../../src/training/optimisers.ts';
import { arbitrarySpec, randomWeights } from '../support/arbitrary-spec.ts';

const side = fc.constantFrom<Side>('pre', 'post');

/** Rows of 0 … time ids above 0, then zeros at the side of the padding. */
function paddedSet(lengths: readonly number[], time: number, padding: Side, vocabulary = 5): EncodedSet {
  const random = createRandom({ seed: lengths.length, purpose: 'shuffle' });
  const ids = lengths.flatMap((length) => {
    const words = Array.from({ length }, () => 1 + random.below(vocabulary - 1));
    const zeros = Array.from({ length: time - length }, () => 0);
    return padding === 'pre' ? [...zeros, ...words] : [...words, ...zeros];
  });
  return {
    rows: lengths.length,
    time,
    ids: Int32Array.from(ids),
    targets: Int32Array.from(lengths, (_, row) => row % 2),
  };
}

const arbitraryPadded = fc
  .record({ time: fc.integer({ min: 1, max: 9 }), padding: side, size: fc.integer({ min: 1, max: 8 }) })
  .chain((shape) =>
    fc
      .array(fc.integer({ min: 0, max: shape.time }), { minLength: 1, maxLength: 30 })
      .map((lengths) => ({ ...shape, lengths })),
  );

describe('batches without padding', () => {
  it('are as long as their longest row, and hold every word in its place', () => {
    fc.assert(
      fc.property(arbitraryPadded, ({ lengths, time, padding, size }) => {
        const set = paddedSet(lengths, time, padding);
        const steps = unpaddedSteps(set, padding);
        expect([...steps]).toEqual(lengths.map((length) => Math.max(length, 1)));
        const order = orderByLength(steps);
        let from = 0;
        for (const batch of batches(set, size, { order, cut: { padding, steps } })) {
          const rows = order.subarray(from, from + batch.rows);
          expect(batch.time).toBe(Math.max(...Array.from(rows, (row) => steps[row] as number)));
          rows.forEach((row, at) => {
            const whole = set.ids.subarray(row * time, (row + 1) * time);
            const kept = padding === 'pre' ? whole.subarray(time - batch.time) : whole.subarray(0, batch.time);
            expect([...batch.ids.subarray(at * batch.time, (at + 1) * batch.time)]).toEqual([...kept]);
            expect(batch.targets[at]).toBe(set.targets[row]);
          });
          from += batch.rows;
        }
        expect(from).toBe(set.rows);
      }),
    );
  });

  // Masked steps leave no trace but in the grouping of sums, so two float32 computations of bounded activations differ
  // as two engines do: some roundings of 6e-8 of values of the order of 1.
  it.each([jsEngine, wasmEngine])('give the same logits ($name, 150 random models)', async (provider) => {
    let cutSteps = 0;
    await fc.assert(
      fc.asyncProperty(
        arbitrarySpec({ maskZero: 'always', activations: ['tanh', 'sigmoid', 'softsign'] }),
        arbitraryPadded,
        async (spec, { lengths, time, padding, size }) => {
          const [first] = spec.layers;
          const vocabulary = first?.type === 'embedding' ? first.inputDim : 2;
          const set = paddedSet(lengths, time, padding, vocabulary);
          const weights = randomWeights(spec, 1);
          const engine = await provider.prepare({ spec, weights, optimiser: sgd, threads: 1 });
          const whole = await engine.evaluate(set);
          const outputs = whole.logits.length / set.rows;
          const taken = withoutPadding(set, padding);
          let from = 0;
          for (const batch of batches(set, size, taken)) {
            const { logits } = await engine.evaluate(batch);
            logits.forEach((value, i) => {
              const row = taken.order?.[from + Math.floor(i / outputs)] as number;
              const expected = whole.logits[row * outputs + (i % outputs)] as number;
              expect(Math.abs(value - expected)).toBeLessThan(2e-6 * Math.max(1, Math.abs(expected)));
            });
            from += batch.rows;
            cutSteps += time - batch.time;
          }
          await engine.dispose();
        },
      ),
      { numRuns: 150, seed: 1 },
    );
    expect(cutSteps).toBeGreaterThan(500); // or nothing was shown
  });
});

describe('the order of buckets', () => {
  const steps = Int32Array.from({ length: 5000 }, (_, row) => 1 + ((row * 7919) % 200));
  const orderOf = (epoch: number, size = 32) => {
    const address = { seed: 3, purpose: 'shuffle', epoch } as const;
    return bucketOrder(permutation(5000, createRandom(address)), steps, size, createRandom({ ...address, stream: 1 }));
  };
  const batchesOf = (order: Uint32Array, size = 32) =>
    Array.from({ length: Math.ceil(order.length / size) }, (_, i) => [...order.subarray(i * size, (i + 1) * size)]);

  it('has every row once', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 7000 }), (size) => {
        expect([...orderOf(0, size)].sort((a, b) => a - b)).toEqual([...permutationOfAll()]);
      }),
      { numRuns: 20 },
    );
  });

  it('computes a fraction of the padding', () => {
    const computed = (order: Uint32Array) =>
      batchesOf(order).reduce(
        (sum, rows) => sum + rows.length * Math.max(...rows.map((row) => steps[row] as number)),
        0,
      );
    const words = steps.reduce((sum, count) => sum + count, 0);
    expect(computed(permutation(5000, createRandom({ seed: 3, purpose: 'shuffle' })))).toBeGreaterThan(1.9 * words);
    expect(computed(orderOf(0))).toBeLessThan(1.08 * words);
  });

  it('is random: other batches in another order each epoch, lengths in no order, the same for one seed', () => {
    expect(orderOf(1)).toEqual(orderOf(1));
    const [first, second] = [batchesOf(orderOf(0)), batchesOf(orderOf(1))];
    const sets = new Set(first.map((rows) => [...rows].sort((a, b) => a - b).join()));
    expect(second.filter((rows) => sets.has([...rows].sort((a, b) => a - b).join())).length).toBe(0);
    const lengths = first.slice(0, -1).map((rows) => Math.max(...rows.map((row) => steps[row] as number)));
    const rises = lengths.filter((length, i) => i > 0 && length > (lengths[i - 1] as number)).length;
    expect(rises / lengths.length).toBeGreaterThan(0.35);
    expect(rises / lengths.length).toBeLessThan(0.65);
  });

  function permutationOfAll(): number[] {
    return Array.from({ length: 5000 }, (_, row) => row);
  }
});
