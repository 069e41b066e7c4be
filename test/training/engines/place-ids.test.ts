/** The kernel that takes a batch in, on its own: what fills up a last group reaches no result, so that no engine test sees it. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { availableBuilds, loadKernels } from '../../../src/training/engines/wasm/kernels.ts';
import { lanes } from '../../../src/training/engines/wasm/workspace.ts';

const batches = fc
  .record({ rows: fc.integer({ min: 1, max: 19 }), time: fc.integer({ min: 1, max: 9 }) })
  .chain((shape) => {
    const size = shape.rows * shape.time;
    return fc.record({ shape: fc.constant(shape), ids: fc.array(fc.nat(12), { minLength: size, maxLength: size }) });
  });

test.each(availableBuilds())('ids lie at their positions, and each different one once (%s)', async (build) => {
  const { memory, kernels } = await loadKernels(build);
  const place = (block: number) => 4096 + 8192 * block;
  const at = (block: number, length: number) => new Int32Array(memory.buffer, place(block), length);
  const wrong = 99; // what lies there from batches before
  fc.assert(
    fc.property(batches, ({ shape: { rows, time }, ids }) => {
      const padded = lanes * Math.ceil(rows / lanes);
      for (let block = 0; block < 6; block++) at(block, 2048).fill(wrong);
      at(0, ids.length).set(ids);
      at(1, 13).fill(-1);
      const count = kernels.placeIds(place(0), place(1), place(2), place(3), place(4), place(5), rows, time, padded);

      const positions = Array.from({ length: time * padded }, (_, position) => {
        const row = Math.min(position % padded, rows - 1);
        return ids[row * time + Math.floor(position / padded)] as number;
      });
      const different = [...new Set(positions)];
      const filled = lanes * Math.ceil(different.length / lanes);
      const unique = Array.from({ length: filled }, (_, index) => different[index] ?? different[0]);
      const length = positions.length;
      expect(count).toBe(different.length);
      expect([...at(2, length + 1)]).toEqual([...positions, wrong]);
      expect([...at(3, filled + 1)]).toEqual([...unique, wrong]);
      expect([...at(4, length + 1)]).toEqual([...positions.map((id) => different.indexOf(id)), wrong]);
      expect([...at(5, length + 1)]).toEqual([...positions.map((id) => (id === 0 ? 0 : -1)), wrong]);
      expect([...at(1, 14)]).toEqual([...Array(13).fill(-1), wrong]);
    }),
  );
});
