import { classHead, lastHundredWords, type ZooModel } from './zoo-model.ts';

export const lstm: ZooModel = {
  name: 'lstm',
  summary: 'Embedding(16) → LSTM(8)',
  defaults: { vocabularySize: 500, ...lastHundredWords },
  build: ({ vocabularySize, classes }) => ({
    version: 1,
    name: 'lstm',
    layers: [
      { type: 'embedding', inputDim: vocabularySize, outputDim: 16 },
      { type: 'lstm', units: 8 },
      classHead(classes),
    ],
  }),
};
