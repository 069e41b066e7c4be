/**
 * How far a row's own answer moves when the weights move by next to nothing. Some rows stand on a watershed: for many
 * steps their state is drawn to either side, and a rounding early on grows a thousandfold. The float32 weights do not
 * determine the answer of such a row to 5e-6, so no float32 program can be held to it there. This is backward error
 * analysis: a result is right if it is the exact result for weights that are no further off than the arithmetic is.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { TrainedModel } from '../../models/model.ts';
import { createRandom } from '../core/random.ts';
import { type ReferenceOutputs, type ReferenceWeights, referenceForward } from '../reference/reference.ts';

/** Largest movement of a row's outputs. */
export interface Sensitivity {
  /** Of its probabilities, the largest. */
  readonly probability: number;
  /** Of its logits, the largest. */
  readonly logit: number;
}

/**
 * By which share of its size each weight is moved, up or down: five roundings of float32, and a little more than the
 * largest error of any runner's sigmoid or tanh (a test measures those of onnxruntime).
 */
export const weightNudge = 3e-7;

/**
 * Reference outputs with all weights nudged at random, against those without: the largest movement of all draws.
 *
 * @param ids token ids, [rows, time]
 * @param draws how often; more of them contain the fewer
 * @returns one entry a row
 */
export async function measureSensitivity(
  { spec, weights }: Pick<TrainedModel, 'spec' | 'weights'>,
  ids: Int32Array,
  rows: number,
  time: number,
  draws: number,
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
      { shape, data: Float64Array.from(data, (value) => value * (1 + sign() * weightNudge)) },
    ]),
  );
}
