/**
 * Losses on the logits of the last layer: their value as Keras gives it, their gradient, and the probabilities.
 * On probabilities, Keras clips to [1e-7, 1 − 1e-7]: outside, the loss is flat and the gradient zero.
 * On logits, log-sum-exp forms that neither overflow nor lose small values.
 */
import type { Head } from '../../models/plan.ts';
import { sigmoid, softmaxRows } from './probabilities.ts';

export interface LossResult {
  /** Mean over the rows. */
  readonly loss: number;
  /** Rows whose most probable class is the target; of a binary head class 1 when its probability is above 1/2. */
  readonly correct: number;
  readonly probabilities: Float32Array; // [rows, outputs]
  /** dL/dlogits. */
  readonly gradient: Float32Array; // [rows, outputs]
}

const lowest = 1e-7;
const highest = 1 - 1e-7;

/**
 * @param logits [rows, outputs]
 * @param targets class of each row
 * @param classWeights of each class, by which the loss of its rows is multiplied; default: 1
 */
export function judge(
  head: Head,
  logits: Float32Array,
  targets: Int32Array,
  classWeights?: readonly number[],
): LossResult {
  return head.loss === 'binaryCrossentropy'
    ? binaryCrossentropy(head, logits, targets, classWeights)
    : categoricalCrossentropy(head, logits, targets, classWeights);
}

function binaryCrossentropy(
  head: Head,
  logits: Float32Array,
  targets: Int32Array,
  classWeights: readonly number[] | undefined,
): LossResult {
  const rows = targets.length;
  const probabilities = logits.map(sigmoid);
  const gradient = new Float32Array(logits.length);
  let loss = 0;
  let correct = 0;
  for (let row = 0; row < rows; row++) {
    const x = logits[row] as number;
    const p = probabilities[row] as number;
    const y = targets[row] as number;
    const weight = classWeights?.[y] ?? 1;
    const inside = head.fromLogits || (p > lowest && p < highest);
    const held = Math.min(Math.max(p, lowest), highest);
    const own = head.fromLogits
      ? Math.max(x, 0) - x * y + Math.log1p(Math.exp(-Math.abs(x)))
      : -(y ? Math.log(held) : Math.log(1 - held));
    loss += weight * own;
    gradient[row] = inside ? (weight * (p - y)) / rows : 0;
    correct += (p > 0.5 ? 1 : 0) === y ? 1 : 0;
  }
  return { loss: loss / rows, correct, probabilities, gradient };
}

function categoricalCrossentropy(
  head: Head,
  logits: Float32Array,
  targets: Int32Array,
  classWeights: readonly number[] | undefined,
): LossResult {
  const rows = targets.length;
  const { outputs } = head;
  const probabilities = logits.slice();
  softmaxRows(probabilities, rows, outputs);
  const gradient = new Float32Array(logits.length);
  let loss = 0;
  let correct = 0;
  for (let row = 0; row < rows; row++) {
    const target = targets[row] as number;
    const at = row * outputs;
    const weight = classWeights?.[target] ?? 1;
    const p = probabilities[at + target] as number;
    const inside = head.fromLogits || (p > lowest && p < highest);
    const own = head.fromLogits
      ? logSumExp(logits.subarray(at, at + outputs)) - (logits[at + target] as number)
      : -Math.log(Math.min(Math.max(p, lowest), highest));
    loss += weight * own;
    let best = 0;
    for (let j = 0; j < outputs; j++) {
      const q = probabilities[at + j] as number;
      gradient[at + j] = inside ? (weight * (q - (j === target ? 1 : 0))) / rows : 0;
      if (q > (probabilities[at + best] as number)) best = j;
    }
    correct += best === target ? 1 : 0;
  }
  return { loss: loss / rows, correct, probabilities, gradient };
}

function logSumExp(values: Float32Array): number {
  const highest = values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  return highest + Math.log(values.reduce((sum, value) => sum + Math.exp(value - highest), 0));
}
