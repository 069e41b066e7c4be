/** A spec for modules in their order, from their shapes and from what the caller says of the Python code between them. */
import { fail } from '../../../src/core/errors.ts';
import type { LayerInput, RecurrentInput } from '../../spec-input.ts';
import type { PytorchOptions } from '../options.ts';
import type { RecurrentModule } from './modules.ts';
import type { Order } from './order.ts';

/** @throws IMPORT_AMBIGUOUS for what neither the shapes nor `options` say */
export function describeOrder(order: Order, options: PytorchOptions): LayerInput[] {
  const { pooling, padding, nonlinearity, hiddenActivation } = settle(order, options);
  const { embedding, recurrent, linear } = order;
  const [inputDim = 0, outputDim = 0] = embedding.weight.shape;
  const every = recurrent.flatMap((module) => module.layers.map((_, depth) => ({ module, depth })));
  return [
    { type: 'embedding', ...named(embedding.name), inputDim, outputDim, maskZero: padding === 'skipped' },
    ...every.map(({ module, depth }, index): LayerInput => {
      const returnSequences = pooling !== 'last' || index < every.length - 1;
      const layer = recurrentOf(module, nonlinearity, returnSequences);
      const name = named(module.layers.length > 1 ? `${module.name}_l${depth}` : module.name);
      return module.bidirectional ? { type: 'bidirectional', ...name, layer } : { ...layer, ...name };
    }),
    ...(pooling === 'last' ? [] : [{ type: 'pooling', kind: pooling } as const]),
    ...linear.map(({ name, weight, bias }, index): LayerInput => {
      const activation = index < linear.length - 1 ? hiddenActivation : 'linear';
      return {
        type: 'dense',
        ...named(name),
        units: weight.shape[0] as number,
        activation,
        useBias: bias !== undefined,
      };
    }),
  ];
}

type Settled = Required<{
  [K in 'pooling' | 'padding' | 'nonlinearity' | 'hiddenActivation']: NonNullable<PytorchOptions[K]>;
}>;

function settle({ recurrent, linear }: Order, options: PytorchOptions): Settled {
  const plain = recurrent.some(({ type }) => type === 'simpleRnn');
  const deep = linear.length > 1;
  refuseIdle(!plain && options.nonlinearity !== undefined, 'nonlinearity', 'there is no nn.RNN');
  refuseIdle(!deep && options.hiddenActivation !== undefined, 'hiddenActivation', 'there is one linear layer');
  const missing = [
    options.pooling ?? '--pooling last (h_n of the last layer), average or max (over the output)',
    options.padding ?? '--padding-steps skipped (pack_padded_sequence) or read',
    plain ? (options.nonlinearity ?? '--nonlinearity tanh or relu (of nn.RNN)') : '',
    deep
      ? (options.hiddenActivation ?? '--hidden-activation relu, tanh, sigmoid or linear (between the linear layers)')
      : '',
  ].filter((text) => text.startsWith('--'));
  if (missing.length > 0) {
    fail(
      'IMPORT_AMBIGUOUS',
      'a state_dict holds weights, not what Python does between them',
      `Say it: ${missing.join('; ')}. Or give the whole model: --spec.`,
    );
  }
  return { nonlinearity: 'tanh', hiddenActivation: 'linear', ...options } as Settled;
}

function refuseIdle(idle: boolean, option: string, why: string): void {
  if (idle) fail('OPTION_UNSUPPORTED', `pytorch.${option} has nothing to say: ${why}`, 'Leave it out.');
}

function recurrentOf(
  { type, units, hasBias }: RecurrentModule,
  activation: 'tanh' | 'relu',
  returnSequences: boolean,
): RecurrentInput {
  const common = { units, returnSequences, bias: hasBias ? 'double' : 'none' } as const;
  if (type === 'simpleRnn') return { type, ...common, activation };
  return type === 'gru' ? { type, ...common, resetAfter: true } : { type, ...common, unitForgetBias: false };
}

/** A name that a spec cannot have is left to it. */
function named(name: string): { name?: string } {
  return /^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(name) ? { name } : {};
}
