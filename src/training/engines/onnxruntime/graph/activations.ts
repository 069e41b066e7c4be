/** Activations as nodes, and their derivatives from the output y. */
import { float, type GraphBuilder } from '../../../../../exporters/graph/builder.ts';
import type { Value } from '../../../../../exporters/graph/graph.ts';
import { type Activation, activationConstants } from '../../../../../models/activations.ts';

export interface ActivationNodes {
  readonly of: (g: GraphBuilder, x: Value) => Value;
  /** dy/dx from y. At a kink: the derivative on the flat side, as in Keras. */
  readonly slope: (g: GraphBuilder, y: Value) => Value;
}

const { hardSigmoid, hardSigmoidLegacy, elu, leakyRelu, thresholdedRelu, scaledTanh } = activationConstants;

function clipped({ alpha, beta }: { readonly alpha: number; readonly beta: number }): ActivationNodes {
  return {
    of: (g, x) => g.node('HardSigmoid', [x], { alpha: float(alpha), beta: float(beta) }),
    slope: (g, y) =>
      g.where(g.node('And', [g.greater(y, g.float32(0)), g.less(y, g.float32(1))]), g.float32(alpha), g.float32(0)),
  };
}

/** `high` where y is above 0, else `low`. */
function above(g: GraphBuilder, y: Value, high: Value, low: Value): Value {
  return g.where(g.greater(y, g.float32(0)), high, low);
}

export const activationNodes = {
  tanh: {
    of: (g, x) => g.tanh(x),
    slope: (g, y) => g.sub(g.float32(1), g.mul(y, y)),
  },
  sigmoid: {
    of: (g, x) => g.sigmoid(x),
    slope: (g, y) => g.sub(y, g.mul(y, y)),
  },
  relu: {
    of: (g, x) => g.relu(x),
    slope: (g, y) => above(g, y, g.float32(1), g.float32(0)),
  },
  hardSigmoid: clipped(hardSigmoid),
  hardSigmoidLegacy: clipped(hardSigmoidLegacy),
  softsign: {
    // onnxruntime's own Softsign multiplies by 1/(1 + |x|), rounded, and so misses 1, and the slope there 0
    of: (g, x) => g.div(x, g.add(g.float32(1), g.node('Abs', [x]))),
    slope: (g, y) => {
      const rest = g.sub(g.float32(1), g.node('Abs', [y]));
      return g.mul(rest, rest);
    },
  },
  softplus: {
    of: (g, x) => g.node('Softplus', [x]),
    slope: (g, y) => g.sub(g.float32(1), g.node('Exp', [g.node('Neg', [y])])),
  },
  elu: {
    of: (g, x) => g.node('Elu', [x], { alpha: float(elu.alpha) }),
    slope: (g, y) => above(g, y, g.float32(1), g.add(y, g.float32(elu.alpha))),
  },
  leakyRelu: {
    of: (g, x) => g.node('LeakyRelu', [x], { alpha: float(leakyRelu.alpha) }),
    slope: (g, y) => above(g, y, g.float32(1), g.float32(leakyRelu.alpha)),
  },
  thresholdedRelu: {
    of: (g, x) => g.node('ThresholdedRelu', [x], { alpha: float(thresholdedRelu.alpha) }),
    slope: (g, y) => above(g, y, g.float32(1), g.float32(0)),
  },
  scaledTanh: {
    of: (g, x) => g.mul(g.tanh(g.mul(x, g.float32(scaledTanh.beta))), g.float32(scaledTanh.alpha)),
    slope: (g, y) => {
      const falls = g.mul(g.mul(y, y), g.float32(scaledTanh.beta / scaledTanh.alpha));
      return g.sub(g.float32(scaledTanh.alpha * scaledTanh.beta), falls);
    },
  },
  linear: {
    of: (_, x) => x,
    slope: (g, y) => g.node('Expand', [g.float32(1), g.shape(y)]),
  },
} as const satisfies Record<Activation, ActivationNodes>;
