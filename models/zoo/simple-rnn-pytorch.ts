import { classHead, lastHundredWords, type ZooModel } from './zoo-model.ts';

export const simpleRnnPytorch: ZooModel = {
  name: 'simple-rnn-pytorch',
  summary: "Embedding(16) → SimpleRNN(8) as PyTorch's nn.RNN: two biases, its initialisers",
  defaults: {
    vocabularySize: 500,
    ...lastHundredWords,
    learningRate: 2e-4,
    patience: 2,
    optimiser: { type: 'adam-pytorch' },
  },
  build: ({ vocabularySize, classes }) => ({
    version: 1,
    name: 'simple-rnn-pytorch',
    initialisers: 'pytorch',
    layers: [
      { type: 'embedding', inputDim: vocabularySize, outputDim: 16 },
      { type: 'simpleRnn', units: 8, bias: 'double' },
      classHead(classes),
    ],
  }),
};
