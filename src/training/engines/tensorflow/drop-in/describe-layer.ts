/** What a recurrent layer of TensorFlow.js computes, in the terms of a spec. */
import type { Activation } from '../../../../../models/activations.ts';
import type { RecurrentLayer } from '../../../../../models/layers.ts';
import type { Kind, TensorflowRnn } from './tensorflow-rnn.ts';

/** TensorFlow.js' names of activations. Its hard sigmoid is that of Keras 2. */
const activations: Readonly<Record<string, Activation>> = {
  tanh: 'tanh',
  sigmoid: 'sigmoid',
  hardSigmoid: 'hardSigmoidLegacy',
  relu: 'relu',
  elu: 'elu',
  softplus: 'softplus',
  softsign: 'softsign',
  linear: 'linear',
};

/** The layer, or why it cannot be described. */
export function describeLayer(kind: Kind, rnn: TensorflowRnn): RecurrentLayer | string {
  const { cell } = rnn;
  const names = [cell.activation, cell.recurrentActivation].flatMap((one) => (one ? [one.getClassName()] : []));
  const unknown = names.find((name) => !(name in activations));
  if (unknown !== undefined) return `activation ${unknown} has no fused form`;
  if (cell.dropoutFunc) return 'it has a dropoutFunc of its own';

  const [activation = 'tanh', recurrentActivation = 'sigmoid'] = names.map((name) => activations[name] as Activation);
  const common = {
    name: rnn.name,
    units: cell.units,
    activation,
    returnSequences: rnn.returnSequences,
    goBackwards: rnn.goBackwards,
    dropout: rateOf(cell.dropout),
    recurrentDropout: rateOf(cell.recurrentDropout),
    bias: cell.bias ? 'single' : 'none',
  } as const;
  switch (kind) {
    case 'simpleRNN':
      return { type: 'simpleRnn', ...common };
    case 'lstm':
      return { type: 'lstm', ...common, recurrentActivation, unitForgetBias: false };
    case 'gru':
      return { type: 'gru', ...common, recurrentActivation, resetAfter: false };
  }
}

/** TensorFlow.js drops nothing at a rate of 1. */
function rateOf(rate: number): number {
  return rate < 1 ? rate : 0;
}
