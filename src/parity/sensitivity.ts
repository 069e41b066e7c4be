/**
 * How far a row's own answer moves when the weights move by next to nothing. Some rows stand on a watershed: for many
 * steps the state is drawn to either side, and a rounding early on grows a thousandfold. No float32 program computes
 * such a row to 5e-6, since the float32 weights do not determine it that well.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { TrainedModel } from '../../models/model.ts';
import { createRandom } from '../core/random.ts';
import { type ReferenceOutputs, type ReferenceWeights, referenceForward } from '../reference/reference.ts';

/** Largest movement of a row's outputs. */
export interface Sensitivity {
  readonly probability: number;
  readonly logit: number;
}

/**
 * By which share of its size each weight is moved, up or down: 2.4e-7, four roundings of float32. So far off are, at
 * their worst, the tanh and the sigmoid of onnxruntime (1.8e-7) and of the wasm kernels (2.4e-7).
 */
const nudge = 2 ** -22;

/** Enough that some draw comes within a factor of two of the worst: twice as many gave 1.3 times as much. */
const draws = 8;

/**
 * Reference outputs with all weights nudged at random, against those without.
 *
 * @param ids token ids, [rows, time]
 * @returns one entry a row
 */
export async function measureSensitivity(
  { spec, weights }: Pick<TrainedModel, 'spec' | 'weights'>,
  ids: Int32Array,
  rows: number,
  time: number,
): Promise<Sensitivity[]> {
  const exact = referenceForward({ spec, weights }, ids, rows, time);
  const outputs = exact.logits.length / rows;
  const largest = Array.from({ length: rows }, () => ({ probability: 0, logit: 0 }));
  for (let draw = 0; draw < draws; draw++) {
    await nextTurn();
    const moved = referenceForward({ spec, weights: nudgeWeights(weights, draw) }, ids, rows, time);
    largest.forEach((entry, row) => {
      entry.probability = Math.max(entry.probability, movement('probabilities', row));
      entry.logit = Math.max(entry.logit, movement('logits', row));
    });

    function movement(key: keyof ReferenceOutputs, row: number): number {
      const [from, to] = [row * outputs, (row + 1) * outputs];
      const before = exact[key].subarray(from, to);
      return Math.max(
        ...moved[key].subarray(from, to).map((value, index) => Math.abs(value - (before[index] as number))),
      );
    }
  }
  return largest;
}

function nudgeWeights(weights: TrainedModel['weights'], draw: number): ReferenceWeights {
  const random = createRandom({ seed: draw, purpose: 'split' });
  const sign = (): number => (random.uint32() % 2 === 0 ? 1 : -1);
  return new Map(
    [...weights].map(([name, { shape, data }]) => [
      name,
      { shape, data: Float64Array.from(data, (value) => value * (1 + sign() * nudge)) },
    ]),
  );
}
