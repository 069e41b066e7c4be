/** Activations and their derivatives, the latter from the output y, so that inputs need not be kept. */
import { type Activation, activationConstants } from '../../../../models/activations.ts';

export interface ActivationFunction {
  readonly of: (x: number) => number;
  /** dy/dx as a function of y. At a kink: the derivative on the flat side, as in Keras. */
  readonly slope: (y: number) => number;
}

const { hardSigmoid, hardSigmoidLegacy, elu, leakyRelu, thresholdedRelu } = activationConstants;
/** α as a float32, which outputs are kept as: the slope at a saturated output is then exactly 0. */
const scaledTanh = {
  alpha: Math.fround(activationConstants.scaledTanh.alpha),
  beta: activationConstants.scaledTanh.beta,
};

function clipped({ alpha, beta }: { readonly alpha: number; readonly beta: number }): ActivationFunction {
  return {
    of: (x) => Math.min(Math.max(alpha * x + beta, 0), 1),
    slope: (y) => (y > 0 && y < 1 ? alpha : 0),
  };
}

export const activationFunctions = {
  tanh: { of: Math.tanh, slope: (y) => 1 - y * y },
  sigmoid: { of: (x) => 1 / (1 + Math.exp(-x)), slope: (y) => y * (1 - y) },
  relu: { of: (x) => Math.max(x, 0), slope: (y) => (y > 0 ? 1 : 0) },
  hardSigmoid: clipped(hardSigmoid),
  hardSigmoidLegacy: clipped(hardSigmoidLegacy),
  softsign: { of: (x) => x / (1 + Math.abs(x)), slope: (y) => (1 - Math.abs(y)) ** 2 },
  softplus: {
    of: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
    slope: (y) => -Math.expm1(-y),
  },
  elu: { of: (x) => (x > 0 ? x : elu.alpha * Math.expm1(x)), slope: (y) => (y > 0 ? 1 : y + elu.alpha) },
  leakyRelu: { of: (x) => (x > 0 ? x : leakyRelu.alpha * x), slope: (y) => (y > 0 ? 1 : leakyRelu.alpha) },
  thresholdedRelu: { of: (x) => (x > thresholdedRelu.alpha ? x : 0), slope: (y) => (y > 0 ? 1 : 0) },
  scaledTanh: {
    of: (x) => scaledTanh.alpha * Math.tanh(scaledTanh.beta * x),
    slope: (y) => scaledTanh.beta * (scaledTanh.alpha - (y * y) / scaledTanh.alpha),
  },
  linear: { of: (x) => x, slope: () => 1 },
} as const satisfies Record<Activation, ActivationFunction>;
