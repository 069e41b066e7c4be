/** The models that are known by name. Closed: a program's own model is a spec. */
import { fail } from '../../src/core/errors.ts';
import { nearestNames } from '../../src/core/nearest.ts';
import { classHead, define, lastHundredWords, type ZooModel } from './zoo-model.ts';

/** All of them. */
export const zoo: readonly ZooModel[] = [
  define({
    name: 'spam-lstm',
    summary: 'Embedding(16) → LSTM(16, dropout .2, recurrent .2) on the first 200 words: mails, ham against spam',
    defaults: { vocabularySize: 10_000, maxLength: 200, padding: 'pre', truncating: 'post' },
    layers: ({ vocabularySize, classes }) => [
      { type: 'embedding', inputDim: vocabularySize, outputDim: 16, maskZero: true },
      { type: 'lstm', units: 16, dropout: 0.2, recurrentDropout: 0.2 },
      classHead(classes),
    ],
  }),
  define({
    name: 'simple-rnn-onehot',
    summary: 'one-hot → SimpleRNN(8): the smallest',
    defaults: { vocabularySize: 200, ...lastHundredWords },
    layers: ({ vocabularySize, classes }) => [
      { type: 'oneHot', depth: vocabularySize },
      { type: 'simpleRnn', units: 8 },
      classHead(classes),
    ],
  }),
  define({
    name: 'simple-rnn-embedding',
    summary: 'Embedding(16) → SimpleRNN(8)',
    defaults: { vocabularySize: 500, ...lastHundredWords },
    layers: ({ vocabularySize, classes }) => [
      { type: 'embedding', inputDim: vocabularySize, outputDim: 16 },
      { type: 'simpleRnn', units: 8 },
      classHead(classes),
    ],
  }),
  define({
    name: 'simple-rnn-pytorch',
    summary: "Embedding(16) → SimpleRNN(8) as PyTorch's nn.RNN: two biases, its initialisers",
    defaults: {
      vocabularySize: 500,
      ...lastHundredWords,
      learningRate: 2e-4,
      patience: 2,
      optimiser: { type: 'adam-pytorch' },
    },
    initialisers: 'pytorch',
    layers: ({ vocabularySize, classes }) => [
      { type: 'embedding', inputDim: vocabularySize, outputDim: 16 },
      { type: 'simpleRnn', units: 8, bias: 'double' },
      classHead(classes),
    ],
  }),
  define({
    name: 'lstm',
    summary: 'Embedding(16) → LSTM(8)',
    defaults: { vocabularySize: 500, ...lastHundredWords },
    layers: ({ vocabularySize, classes }) => [
      { type: 'embedding', inputDim: vocabularySize, outputDim: 16 },
      { type: 'lstm', units: 8 },
      classHead(classes),
    ],
  }),
  define({
    name: 'lstm-dropout',
    summary: 'Embedding(16) → LSTM(8, dropout 0.2)',
    defaults: { vocabularySize: 500, ...lastHundredWords },
    layers: ({ vocabularySize, classes }) => [
      { type: 'embedding', inputDim: vocabularySize, outputDim: 16 },
      { type: 'lstm', units: 8, dropout: 0.2 },
      classHead(classes),
    ],
  }),
  define({
    name: 'lstm-stacked',
    summary: 'Embedding(16) → two LSTM(8, dropout 0.2)',
    defaults: { vocabularySize: 500, ...lastHundredWords },
    layers: ({ vocabularySize, classes }) => [
      { type: 'embedding', inputDim: vocabularySize, outputDim: 16 },
      { type: 'lstm', units: 8, dropout: 0.2, returnSequences: true },
      { type: 'lstm', units: 8, dropout: 0.2 },
      classHead(classes),
    ],
  }),
  define({
    name: 'gru-dropout',
    summary: 'Embedding(16) → GRU(8, dropout 0.2, reset after)',
    defaults: { vocabularySize: 500, ...lastHundredWords },
    layers: ({ vocabularySize, classes }) => [
      { type: 'embedding', inputDim: vocabularySize, outputDim: 16 },
      { type: 'gru', units: 8, dropout: 0.2 },
      classHead(classes),
    ],
  }),
  define({
    name: 'lstm-stacked-pytorch',
    summary: "Embedding(16) → two LSTM(8) as PyTorch's nn.LSTM: two biases, dropout 0.2 between, its initialisers",
    defaults: { vocabularySize: 500, ...lastHundredWords, patience: 2, optimiser: { type: 'adam-pytorch' } },
    initialisers: 'pytorch',
    layers: ({ vocabularySize, classes }) => [
      { type: 'embedding', inputDim: vocabularySize, outputDim: 16 },
      { type: 'lstm', units: 8, bias: 'double', unitForgetBias: false, returnSequences: true },
      { type: 'dropout', rate: 0.2 },
      { type: 'lstm', units: 8, bias: 'double', unitForgetBias: false },
      classHead(classes),
    ],
  }),
  define({
    name: 'bidirectional-lstm',
    summary: 'Embedding(16) → Bidirectional(LSTM(8)), both directions joined',
    defaults: { vocabularySize: 500, ...lastHundredWords },
    layers: ({ vocabularySize, classes }) => [
      { type: 'embedding', inputDim: vocabularySize, outputDim: 16 },
      { type: 'bidirectional', layer: { type: 'lstm', units: 8 } },
      classHead(classes),
    ],
  }),
  define({
    name: 'gru-masked',
    summary: 'Embedding(16, padding masked) → GRU(8): a text gives the same answer at any padding',
    defaults: { vocabularySize: 500, ...lastHundredWords, padding: 'post' },
    layers: ({ vocabularySize, classes }) => [
      { type: 'embedding', inputDim: vocabularySize, outputDim: 16, maskZero: true },
      { type: 'gru', units: 8 },
      classHead(classes),
    ],
  }),
  define({
    name: 'topics-gru',
    summary: 'Embedding(16, padding masked) → Bidirectional(GRU(16)) → softmax: short texts of several classes',
    defaults: { vocabularySize: 2_000, maxLength: 50, padding: 'post', truncating: 'post' },
    layers: ({ vocabularySize, classes }) => [
      { type: 'embedding', inputDim: vocabularySize, outputDim: 16, maskZero: true },
      { type: 'bidirectional', layer: { type: 'gru', units: 16 } },
      { type: 'dense', units: classes, activation: 'softmax' },
    ],
  }),
];

/** A model by its name. @throws MODEL_UNKNOWN with the nearest names */
export function zooModel(name: string): ZooModel {
  const model = zoo.find((candidate) => candidate.name === name);
  if (model) return model;
  const names = zoo.map((known) => known.name);
  const nearest = nearestNames(name, names);
  const hint = nearest.length ? `Did you mean ${nearest.join(' or ')}?` : `The models are ${names.join(', ')}.`;
  return fail('MODEL_UNKNOWN', `no model is called ${name}`, hint);
}
