/** From layers of Keras or TensorFlow.js to those of a spec: a table by class, and refusals by name for all that is not in it. */
import type { Activation } from '../../activations.ts';
import type { LayerInput, RecurrentInput } from '../../spec-input.ts';
import type { TokenizerOptions } from '../../text/preprocessing.ts';
import { isJson } from '../json.ts';
import { layerOf } from './chain.ts';
import { type ConfigReader, type KerasLayer, readConfig, refuseLayer } from './config.ts';

/** Where frameworks that write the same description compute in different ways. */
export interface Dialect {
  /** What `hard_sigmoid` means: Keras 3 has another line than Keras 2; undefined: nobody can tell. */
  readonly hardSigmoid: Activation | undefined;
  /** Pooling that leaves masked steps out. */
  readonly masksAveragePooling: boolean;
}

/** What a layer of the file becomes. */
export type Counterpart =
  | { readonly layer: LayerInput }
  /** Nothing to compute; an input may state the length of the texts. */
  | { readonly nothing: true; readonly maxLength?: number }
  /** Belongs to the dense layer before it. */
  | { readonly activation: string }
  | { readonly vectorisation: Vectorisation };

/** A layer that makes ids of texts: preprocessing here. */
export interface Vectorisation {
  readonly maxLength: number | undefined;
  readonly tokenizer: Pick<TokenizerOptions, 'lowercase' | 'filters'>;
  /** The words, if they stand in the description. */
  readonly words: readonly string[] | undefined;
  /** Why the filters are not those of Keras. */
  readonly filtersDiffer: string | undefined;
}

interface Reading {
  readonly source: KerasLayer;
  readonly options: ConfigReader;
  readonly dialect: Dialect;
  readonly remark: (text: string) => void;
}

type Reader = (reading: Reading) => Counterpart;

const readers: Readonly<Record<string, Reader>> = {
  InputLayer: ({ options }) => {
    const shape = options.optional('batch_shape') ?? options.optional('batch_input_shape');
    for (const key of ['dtype', 'optional']) options.optional(key);
    options.accept('sparse', [false], 'Use a dense input of token ids.');
    options.accept('ragged', [false], 'Use a dense input of token ids.');
    const [, time] = Array.isArray(shape) ? shape : [];
    return { nothing: true, ...(typeof time === 'number' && { maxLength: time }) };
  },
  TextVectorization: (reading) => ({ vectorisation: vectorisation(reading) }),
  Embedding: ({ options }) => {
    const shape = options.optional('batch_input_shape');
    const [, time] = Array.isArray(shape) ? shape : [];
    const layer: LayerInput = {
      type: 'embedding',
      inputDim: options.number('input_dim'),
      outputDim: options.number('output_dim'),
      maskZero: options.flag('mask_zero', false),
    };
    return { layer, ...(typeof time === 'number' && { maxLength: time }) };
  },
  CategoryEncoding: ({ options }) => {
    options.accept('output_mode', ['one_hot'], 'Only output_mode="one_hot" gives a row a token.');
    options.optional('batch_input_shape');
    return { layer: { type: 'oneHot', depth: options.number('num_tokens') } };
  },
  SimpleRNN: (reading) => ({ layer: recurrent.SimpleRNN(reading) }),
  LSTM: (reading) => ({ layer: recurrent.LSTM(reading) }),
  GRU: (reading) => ({ layer: recurrent.GRU(reading) }),
  Bidirectional: (reading) => ({ layer: bidirectional(reading) }),
  Dropout: ({ options }) => ({ layer: { type: 'dropout', rate: options.number('rate') } }),
  SpatialDropout1D: ({ options, source, remark }) => {
    remark(
      `layer ${source.name}: SpatialDropout1D drops whole features, the spec's dropout single numbers; only training differs`,
    );
    return { layer: { type: 'dropout', rate: options.number('rate') } };
  },
  GlobalAveragePooling1D: (reading) => ({ layer: pooling(reading, 'average') }),
  GlobalMaxPooling1D: (reading) => ({ layer: pooling(reading, 'max') }),
  Dense: ({ options, source }) => ({
    layer: {
      type: 'dense',
      units: options.number('units'),
      activation: denseActivation(source, options.text('activation', 'linear')),
      useBias: options.flag('use_bias', true),
    },
  }),
  Activation: ({ options }) => ({ activation: options.text('activation') }),
  Softmax: ({ options }) => {
    options.accept('axis', [-1, 1], 'Only a softmax over the classes can be said.');
    return { activation: 'softmax' };
  },
  ReLU: ({ options }) => {
    for (const key of ['negative_slope', 'threshold']) options.accept(key, [0], 'Only a plain ReLU can be said.');
    return { activation: 'relu' };
  },
};

/** Layers that are often met and have no counterpart, and what to do. */
const refusals: Readonly<Record<string, string>> = {
  Masking: 'Use Embedding(mask_zero=True), which masks by id.',
  Flatten: 'Use GlobalAveragePooling1D, GlobalMaxPooling1D or a recurrent layer that gives its last step.',
  TimeDistributed: 'A spec gives one label a text: put a recurrent layer without return_sequences before Dense.',
  Sequential: 'Put the layers of the inner model into the outer one, copy the weights and save that.',
  Functional: 'Put the layers of the inner model into the outer one, copy the weights and save that.',
  BatchNormalization: 'Fold it into the weights of the layer before it, and save the model without it.',
  RNN: 'Use SimpleRNN, LSTM or GRU; several of them, with return_sequences, in place of stacked cells.',
  CuDNNLSTM: 'Load its weights into LSTM, which Keras does by itself with load_weights, and save that.',
  CuDNNGRU: 'Load its weights into GRU(reset_after=True), which Keras does by itself with load_weights, and save that.',
};

/** @throws LAYER_UNSUPPORTED */
export function readLayer(source: KerasLayer, dialect: Dialect, remark: (text: string) => void): Counterpart {
  const reader = Object.hasOwn(readers, source.className) ? readers[source.className] : undefined;
  if (!reader) {
    const hint = Object.hasOwn(refusals, source.className) ? refusals[source.className] : undefined;
    return refuseLayer(source, 'has no counterpart in a spec', hint ?? `Known are ${Object.keys(readers).join(', ')}.`);
  }
  const options = readConfig(source, remark);
  const result = reader({ source, options, dialect, remark });
  options.end();
  return result;
}

const recurrent = {
  SimpleRNN: (reading: Reading): RecurrentInput => ({
    type: 'simpleRnn',
    ...recurrence(reading),
    bias: biasOf(reading),
  }),
  LSTM: (reading: Reading): RecurrentInput => ({
    type: 'lstm',
    ...recurrence(reading),
    recurrentActivation: activationOf(reading, 'recurrent_activation', 'sigmoid'),
    bias: biasOf(reading),
    unitForgetBias: reading.options.flag('unit_forget_bias', false),
  }),
  GRU: (reading: Reading): RecurrentInput => {
    const resetAfter = reading.options.flag('reset_after', false); // files from before there was a choice do not say it
    return {
      type: 'gru',
      ...recurrence(reading),
      recurrentActivation: activationOf(reading, 'recurrent_activation', 'sigmoid'),
      resetAfter,
      bias: biasOf(reading, resetAfter ? 'double' : 'single'),
    };
  },
};

function recurrence(reading: Reading) {
  const { options } = reading;
  const stateless = 'A classifier begins each text anew: save the model with stateful=False.';
  options.accept('stateful', [false], stateless);
  options.accept('return_state', [false], 'A spec gives the output alone: save the model with return_state=False.');
  options.accept('time_major', [false], 'Save the model with time_major=False.');
  options.optional('zero_output_for_mask'); // what reads the masked steps skips them
  options.optional('batch_input_shape');
  return {
    units: options.number('units'),
    activation: activationOf(reading, 'activation', 'tanh'),
    returnSequences: options.flag('return_sequences', false),
    goBackwards: options.flag('go_backwards', false),
    dropout: options.number('dropout', 0),
    recurrentDropout: options.number('recurrent_dropout', 0),
  };
}

function biasOf({ options }: Reading, bias: 'single' | 'double' = 'single'): 'none' | 'single' | 'double' {
  return options.flag('use_bias', true) ? bias : 'none';
}

const activations: Readonly<Record<string, Activation>> = {
  tanh: 'tanh',
  sigmoid: 'sigmoid',
  relu: 'relu',
  softsign: 'softsign',
  softplus: 'softplus',
  elu: 'elu',
  leaky_relu: 'leakyRelu',
  linear: 'linear',
};

function activationOf({ source, options, dialect }: Reading, key: string, standard: string): Activation {
  const name = options.text(key, standard);
  if (name === 'hard_sigmoid') {
    const hint = "Import the .keras or .h5 file that it was converted from: TensorFlow.js' line is that of Keras 2.";
    return (
      dialect.hardSigmoid ??
      refuseLayer(source, `has ${key}=hard_sigmoid, which Keras 3 and TensorFlow.js compute differently`, hint)
    );
  }
  if (Object.hasOwn(activations, name)) return activations[name] as Activation;
  return refuseLayer(source, `has ${key}=${name}`, `Known are ${Object.keys(activations).join(', ')}, hard_sigmoid.`);
}

const denseActivations = ['linear', 'sigmoid', 'softmax', 'relu', 'tanh'] as const;

export function denseActivation(source: KerasLayer, name: string): (typeof denseActivations)[number] {
  const known = denseActivations.find((one) => one === name);
  return (
    known ??
    refuseLayer(source, `has activation ${name}`, `Of a dense layer, known are ${denseActivations.join(', ')}.`)
  );
}

function bidirectional(reading: Reading): LayerInput {
  const { source, options, dialect, remark } = reading;
  options.optional('batch_input_shape');
  const inner = layerOf(options.json('layer'), `layer ${source.name}`);
  const read = Object.hasOwn(recurrent, inner.className)
    ? recurrent[inner.className as keyof typeof recurrent]
    : undefined;
  if (!read)
    return refuseLayer(inner, `inside ${source.name} has no counterpart in a spec`, 'Known are SimpleRNN, LSTM, GRU.');
  const readInner = (one: KerasLayer) => {
    const config = readConfig(one, remark);
    const layer = read({ source: one, options: config, dialect, remark });
    config.end();
    return layer;
  };
  const layer = readInner(inner);
  const backward = options.optional('backward_layer');
  if (isJson(backward)) {
    const other = layerOf(backward, `layer ${source.name}`);
    const mirrored = { ...layer, goBackwards: !layer.goBackwards };
    if (other.className !== inner.className || JSON.stringify(readInner(other)) !== JSON.stringify(mirrored)) {
      refuseLayer(
        source,
        'has a backward layer unlike the forward one',
        'Both directions of a spec have the same options.',
      );
    }
  }
  const mergeMode = options.text('merge_mode', 'null');
  if (mergeMode !== 'concat' && mergeMode !== 'sum' && mergeMode !== 'mul' && mergeMode !== 'ave') {
    return refuseLayer(source, `has merge_mode=${mergeMode}`, 'Known are concat, sum, mul, ave.');
  }
  return { type: 'bidirectional', layer, mergeMode };
}

/** C's `isspace`, at which TensorFlow splits. */
const whiteSpace = '\t\n\v\f\r';

/** TensorFlow lowers A–Z alone. What takes punctuation out of words, as Keras' default does, puts nothing in its place. */
function vectorisation({ source, options }: Reading): Vectorisation {
  options.accept('output_mode', ['int'], 'Only output_mode="int" gives ids.');
  options.accept('split', ['whitespace'], 'Texts are split at spaces here.');
  for (const key of ['sparse', 'ragged', 'pad_to_max_tokens'])
    options.accept(key, [false], 'Save the model without it.');
  options.accept('ngrams', [undefined], 'Words are read one by one here.');
  for (const key of ['max_tokens', 'vocabulary_size', 'encoding', 'batch_input_shape']) options.optional(key);
  const length = options.optional('output_sequence_length');
  const words = options.optional('vocabulary');
  const standardize = options.optional('standardize');
  const known = [undefined, 'lower', 'strip_punctuation', 'lower_and_strip_punctuation'];
  if (!known.includes(standardize as string))
    refuseLayer(source, `has standardize=${JSON.stringify(standardize)}`, 'It stands in Python alone.');
  const strips = String(standardize).includes('strip');
  return {
    maxLength: typeof length === 'number' ? length : undefined,
    words: Array.isArray(words) ? words : undefined,
    tokenizer: { lowercase: String(standardize).includes('lower') ? 'ascii' : 'none', filters: whiteSpace },
    filtersDiffer: strips
      ? `layer ${source.name} (TextVectorization) takes punctuation out of words ("don't" becomes "dont"), and here it becomes a space`
      : undefined,
  };
}

function pooling({ options }: Reading, kind: 'average' | 'max'): LayerInput {
  options.accept('data_format', ['channels_last'], 'Only channels_last can be said.');
  options.accept('keepdims', [false], 'A spec pools to [batch, features].');
  return { type: 'pooling', kind };
}
