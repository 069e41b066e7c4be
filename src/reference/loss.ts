/**
 * Cross-entropy of a head: −log of the probability that the model gives to the right class, mean over the rows.
 *
 * On probabilities it is clipped as Keras clips it, to [1e-7, 1 − 1e-7], and has no gradient outside. (Keras first
 * divides softmax's outputs by their sum; that sum is 1, so nothing changes.) On logits it is computed in the
 * form that never overflows, and never clipped.
 */
import type { Head } from '../../models/plan.ts';
import { elementwise } from './elementwise.ts';
import { type Elementwise, type Matrix, matrix, type Operations } from './operations.ts';

const epsilon = 1e-7;

/** [rows, outputs] → [1, 1] */
export function crossEntropy(operations: Operations, head: Head, logits: Matrix, targets: Int32Array): Matrix {
  const { map, matmul } = operations;
  const logLikelihood =
    head.outputs === 1 ? binary(operations, logits, targets) : categorical(operations, logits, targets);
  const ofRows = head.fromLogits ? logLikelihood : map(logLikelihood, clippedLog); // [rows, 1]
  const mean = matrix(1, logits.rows, new Float64Array(logits.rows).fill(-1 / logits.rows));
  return matmul(mean, ofRows);
}

/** log σ(x) for class 1, log(1 − σ(x)) = log σ(−x) for class 0. */
function binary({ map, scaleRows }: Operations, logits: Matrix, targets: Int32Array): Matrix {
  return map(
    scaleRows(
      logits,
      targets.map((target) => (target === 1 ? 1 : -1)),
    ),
    logSigmoid,
  );
}

/** The target's entry of log softmax. */
function categorical({ logSoftmax, pick }: Operations, logits: Matrix, targets: Int32Array): Matrix {
  return pick(logSoftmax(logits), targets);
}

/** log σ(x) = −softplus(−x) */
const logSigmoid: Elementwise = {
  value: (x) => -elementwise.softplus.value(-x),
  slope: (x) => elementwise.sigmoid.value(-x),
};

/** From log p to log clip(p, ε, 1 − ε). */
const clippedLog: Elementwise = {
  value: (x) => Math.log(Math.min(Math.max(Math.exp(x), epsilon), 1 - epsilon)),
  slope: (x) => (Math.exp(x) > epsilon && Math.exp(x) < 1 - epsilon ? 1 : 0),
};
