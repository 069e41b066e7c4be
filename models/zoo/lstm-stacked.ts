import { classHead, lastHundredWords, type ZooModel } from './zoo-model.ts';

export const lstmStacked: ZooModel = {
  name: 'lstm-stacked',
  summary: 'Embedding(16) → two LSTM(8, dropout 0.2)',
  defaults: { vocabularySize: 500, ...lastHundredWords },
  build: ({ vocabularySize, classes }) => ({
    version: 1,
    name: 'lstm-stacked',
    layers: [
      { type: 'embedding', inputDim: vocabularySize, outputDim: 16 },
      { type: 'lstm', units: 8, dropout: 0.2, returnSequences: true },
      { type: 'lstm', units: 8, dropout: 0.2 },
      classHead(classes),
    ],
  }),
};
