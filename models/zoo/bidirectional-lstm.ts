import { classHead, lastHundredWords, type ZooModel } from './zoo-model.ts';

export const bidirectionalLstm: ZooModel = {
  name: 'bidirectional-lstm',
  summary: 'Embedding(16) → Bidirectional(LSTM(8)), both directions joined',
  defaults: { vocabularySize: 500, ...lastHundredWords },
  build: ({ vocabularySize, classes }) => ({
    version: 1,
    name: 'bidirectional-lstm',
    layers: [
      { type: 'embedding', inputDim: vocabularySize, outputDim: 16 },
      { type: 'bidirectional', layer: { type: 'lstm', units: 8 } },
      classHead(classes),
    ],
  }),
};
