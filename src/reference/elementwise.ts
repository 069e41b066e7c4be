/** The activations with their derivatives, as functions of one number. */
import { type Activation, activationConstants } from '../../models/activations.ts';
import type { Elementwise } from './operations.ts';

/** `x`: where to take the derivative; `y`: the value there, when the derivative is simpler in terms of it. */
export const elementwise = {
  linear: { value: (x) => x, slope: () => 1 },
  tanh: { value: Math.tanh, slope: (_, y) => 1 - y * y },
  sigmoid: { value: (x) => 1 / (1 + Math.exp(-x)), slope: (_, y) => y * (1 - y) },
  relu: { value: (x) => Math.max(x, 0), slope: (x) => (x > 0 ? 1 : 0) },
  hardSigmoid: clippedLine(activationConstants.hardSigmoid),
  hardSigmoidLegacy: clippedLine(activationConstants.hardSigmoidLegacy),
  softsign: { value: (x) => x / (1 + Math.abs(x)), slope: (x) => (1 + Math.abs(x)) ** -2 },
  softplus: {
    // log(1 + eˣ) without overflow.
    value: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
    slope: (x) => 1 / (1 + Math.exp(-x)),
  },
  elu: belowZero(
    (x) => activationConstants.elu.alpha * Math.expm1(x),
    (_, y) => y + activationConstants.elu.alpha,
  ),
  leakyRelu: belowZero(
    (x) => activationConstants.leakyRelu.alpha * x,
    () => activationConstants.leakyRelu.alpha,
  ),
  thresholdedRelu: {
    value: (x) => (x > activationConstants.thresholdedRelu.alpha ? x : 0),
    slope: (x) => (x > activationConstants.thresholdedRelu.alpha ? 1 : 0),
  },
  scaledTanh: scaledTanh(activationConstants.scaledTanh),
} as const satisfies Record<Activation, Elementwise>;

function clippedLine({ alpha, beta }: { alpha: number; beta: number }): Elementwise {
  return {
    value: (x) => Math.min(Math.max(alpha * x + beta, 0), 1),
    slope: (_, y) => (y > 0 && y < 1 ? alpha : 0),
  };
}

/** x above 0, something else below. */
function belowZero(value: Elementwise['value'], slope: Elementwise['slope']): Elementwise {
  return { value: (x) => (x > 0 ? x : value(x)), slope: (x, y) => (x > 0 ? 1 : slope(x, y)) };
}

/** α tanh(βx), whose derivative is αβ(1 − tanh²(βx)). */
function scaledTanh({ alpha, beta }: { alpha: number; beta: number }): Elementwise {
  return { value: (x) => alpha * Math.tanh(beta * x), slope: (_, y) => alpha * beta * (1 - (y / alpha) ** 2) };
}
