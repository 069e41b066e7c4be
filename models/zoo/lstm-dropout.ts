import { classHead, lastHundredWords, type ZooModel } from './zoo-model.ts';

export const lstmDropout: ZooModel = {
  name: 'lstm-dropout',
  summary: 'Embedding(16) → LSTM(8, dropout 0.2)',
  defaults: { vocabularySize: 500, ...lastHundredWords },
  build: ({ vocabularySize, classes }) => ({
    version: 1,
    name: 'lstm-dropout',
    layers: [
      { type: 'embedding', inputDim: vocabularySize, outputDim: 16 },
      { type: 'lstm', units: 8, dropout: 0.2 },
      classHead(classes),
    ],
  }),
};
