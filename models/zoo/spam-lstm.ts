import { classHead, type ZooModel } from './zoo-model.ts';

export const spamLstm: ZooModel = {
  name: 'spam-lstm',
  summary: 'Embedding(16) → LSTM(16, dropout .2, recurrent .2) on the first 200 words: mails, ham against spam',
  defaults: { vocabularySize: 10_000, maxLength: 200, padding: 'pre', truncating: 'post' },
  build: ({ vocabularySize, classes }) => ({
    version: 1,
    name: 'spam-lstm',
    layers: [
      { type: 'embedding', inputDim: vocabularySize, outputDim: 16, maskZero: true },
      { type: 'lstm', units: 16, dropout: 0.2, recurrentDropout: 0.2 },
      classHead(classes),
    ],
  }),
};
