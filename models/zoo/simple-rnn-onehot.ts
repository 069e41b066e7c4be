import { classHead, lastHundredWords, type ZooModel } from './zoo-model.ts';

export const simpleRnnOnehot: ZooModel = {
  name: 'simple-rnn-onehot',
  summary: 'one-hot → SimpleRNN(8): the smallest',
  defaults: { vocabularySize: 200, ...lastHundredWords },
  build: ({ vocabularySize, classes }) => ({
    version: 1,
    name: 'simple-rnn-onehot',
    layers: [{ type: 'oneHot', depth: vocabularySize }, { type: 'simpleRnn', units: 8 }, classHead(classes)],
  }),
};
