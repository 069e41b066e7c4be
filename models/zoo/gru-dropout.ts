import { classHead, lastHundredWords, type ZooModel } from './zoo-model.ts';

export const gruDropout: ZooModel = {
  name: 'gru-dropout',
  summary: 'Embedding(16) → GRU(8, dropout 0.2, reset after)',
  defaults: { vocabularySize: 500, ...lastHundredWords },
  build: ({ vocabularySize, classes }) => ({
    version: 1,
    name: 'gru-dropout',
    layers: [
      { type: 'embedding', inputDim: vocabularySize, outputDim: 16 },
      { type: 'gru', units: 8, dropout: 0.2 },
      classHead(classes),
    ],
  }),
};
