import { type Activation, activationConstants } from '../../models/activations.ts';
import { floats } from '../graph/builder.ts';
import type { Attribute } from '../graph/graph.ts';
import type { OnnxActivation } from '../graph/recurrent.ts';

interface ActivationForm {
  readonly name: OnnxActivation;
  readonly alpha?: number;
  readonly beta?: number;
}

/** How each activation is written in a recurrent node. */
const forms = {
  tanh: { name: 'Tanh' },
  sigmoid: { name: 'Sigmoid' },
  relu: { name: 'Relu' },
  hardSigmoid: { name: 'HardSigmoid', ...activationConstants.hardSigmoid },
  hardSigmoidLegacy: { name: 'HardSigmoid', ...activationConstants.hardSigmoidLegacy },
  softsign: { name: 'Softsign' },
  softplus: { name: 'Softplus' },
  elu: { name: 'Elu', ...activationConstants.elu },
  leakyRelu: { name: 'LeakyRelu', ...activationConstants.leakyRelu },
  thresholdedRelu: { name: 'ThresholdedRelu', ...activationConstants.thresholdedRelu },
  scaledTanh: { name: 'ScaledTanh', ...activationConstants.scaledTanh },
  linear: { name: 'Affine', alpha: 1, beta: 0 },
} as const satisfies Record<Activation, ActivationForm>;

/** The attributes that state the activations of a recurrent node; constants are listed for those that take them. */
export function activationAttributes(activations: readonly Activation[]): Readonly<Record<string, Attribute>> {
  const stated: readonly ActivationForm[] = activations.map((activation) => forms[activation]);
  const alphas = stated.flatMap(({ alpha }) => alpha ?? []);
  const betas = stated.flatMap(({ beta }) => beta ?? []);
  return {
    activations: { type: 'strings', value: stated.map(({ name }) => name) },
    ...(alphas.length > 0 ? { activation_alpha: floats(alphas) } : {}),
    ...(betas.length > 0 ? { activation_beta: floats(betas) } : {}),
  };
}
