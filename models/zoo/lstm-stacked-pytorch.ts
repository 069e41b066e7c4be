import { classHead, lastHundredWords, type ZooModel } from './zoo-model.ts';

export const lstmStackedPytorch: ZooModel = {
  name: 'lstm-stacked-pytorch',
  summary: "Embedding(16) → two LSTM(8) as PyTorch's nn.LSTM: two biases, dropout 0.2 between, its initialisers",
  defaults: { vocabularySize: 500, ...lastHundredWords, patience: 2, optimiser: { type: 'adam-pytorch' } },
  build: ({ vocabularySize, classes }) => ({
    version: 1,
    name: 'lstm-stacked-pytorch',
    initialisers: 'pytorch',
    layers: [
      { type: 'embedding', inputDim: vocabularySize, outputDim: 16 },
      { type: 'lstm', units: 8, bias: 'double', unitForgetBias: false, returnSequences: true },
      { type: 'dropout', rate: 0.2 },
      { type: 'lstm', units: 8, bias: 'double', unitForgetBias: false },
      classHead(classes),
    ],
  }),
};
