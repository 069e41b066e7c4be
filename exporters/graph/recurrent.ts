/** What ONNX says of its recurrent operators, for those that build such nodes and those that check them. */

/** How often each operator repeats its units in W, R and B, and how many activations a direction has. */
export const recurrentOperators = {
  RNN: { gates: 1, activations: 1 },
  LSTM: { gates: 4, activations: 3 },
  GRU: { gates: 3, activations: 2 },
} as const;
export type RecurrentOperator = keyof typeof recurrentOperators;

/** Weight sets of each direction. */
export const directions = { forward: 1, reverse: 1, bidirectional: 2 } as const;
export type Direction = keyof typeof directions;

/**
 * Constants that each activation takes. `activation_alpha` and `activation_beta` list them in the order of
 * `activations`, without a gap for an activation that takes none.
 */
export const onnxActivations = {
  Tanh: [],
  Sigmoid: [],
  Relu: [],
  Softsign: [],
  Softplus: [],
  Elu: ['alpha'],
  LeakyRelu: ['alpha'],
  ThresholdedRelu: ['alpha'],
  HardSigmoid: ['alpha', 'beta'],
  ScaledTanh: ['alpha', 'beta'],
  Affine: ['alpha', 'beta'],
} as const;
export type OnnxActivation = keyof typeof onnxActivations;

/** How many of `names` take the constant. */
export function countConstants(names: readonly OnnxActivation[], constant: 'alpha' | 'beta'): number {
  return names.filter((name) => (onnxActivations[name] as readonly string[]).includes(constant)).length;
}

export function isOnnxActivation(name: string): name is OnnxActivation {
  return Object.hasOwn(onnxActivations, name);
}
