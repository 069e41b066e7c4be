import type { ZooModel } from './zoo-model.ts';

export const topicsGru: ZooModel = {
  name: 'topics-gru',
  summary: 'Embedding(16, padding masked) → Bidirectional(GRU(16)) → softmax: short texts of several classes',
  defaults: { vocabularySize: 2_000, maxLength: 50, padding: 'post', truncating: 'post' },
  build: ({ vocabularySize, classes }) => ({
    version: 1,
    name: 'topics-gru',
    layers: [
      { type: 'embedding', inputDim: vocabularySize, outputDim: 16, maskZero: true },
      { type: 'bidirectional', layer: { type: 'gru', units: 16 } },
      { type: 'dense', units: classes, activation: 'softmax' },
    ],
  }),
};
