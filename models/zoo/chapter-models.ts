/** The models of the chapter by their names in the zoo, in its order. */
export const chapterModels = [
  'simple-rnn-onehot',
  'simple-rnn-embedding',
  'simple-rnn-pytorch',
  'lstm',
  'lstm-dropout',
  'lstm-stacked',
  'gru-dropout',
  'lstm-stacked-pytorch',
] as const;

export type ChapterModel = (typeof chapterModels)[number];
