import { classHead, lastHundredWords, type ZooModel } from './zoo-model.ts';

export const gruMasked: ZooModel = {
  name: 'gru-masked',
  summary: 'Embedding(16, padding masked) → GRU(8): a text gives the same answer at any padding',
  defaults: { vocabularySize: 500, ...lastHundredWords, padding: 'post' },
  build: ({ vocabularySize, classes }) => ({
    version: 1,
    name: 'gru-masked',
    layers: [
      { type: 'embedding', inputDim: vocabularySize, outputDim: 16, maskZero: true },
      { type: 'gru', units: 8 },
      classHead(classes),
    ],
  }),
};
