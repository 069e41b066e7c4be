import { classHead, lastHundredWords, type ZooModel } from './zoo-model.ts';

export const simpleRnnEmbedding: ZooModel = {
  name: 'simple-rnn-embedding',
  summary: 'Embedding(16) → SimpleRNN(8)',
  defaults: { vocabularySize: 500, ...lastHundredWords },
  build: ({ vocabularySize, classes }) => ({
    version: 1,
    name: 'simple-rnn-embedding',
    layers: [
      { type: 'embedding', inputDim: vocabularySize, outputDim: 16 },
      { type: 'simpleRnn', units: 8 },
      classHead(classes),
    ],
  }),
};
