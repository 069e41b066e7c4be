/**
 * What the chapter's authors saw, one run a model: the figures of the slides by 이재영 (한국공학대학교) to chapter 9 of
 * 혼자 공부하는 머신러닝 + 딥러닝 (박해선, 한빛미디어, revised edition). Where the slides print several epochs, the figures are those that the text
 * speaks of, and `of` says which.
 */
import type { ChapterModel } from '../../models/zoo/chapter-models.ts';

export interface AuthorsFigures {
  /** Epochs until early stopping, as far as the slides show. */
  readonly epochs: number;
  readonly validationLoss: number;
  readonly validationAccuracy: number;
  /** What the validation figures are of. */
  readonly of: string;
  readonly testLoss?: number;
  readonly testAccuracy?: number;
  /** From the fastest to the slowest epoch that is printed, but for the first. */
  readonly millisecondsPerStep?: readonly [number, number];
  /** Of the model's table. */
  readonly parameters: number;
}

export const authorsSource =
  'slides by 이재영 (한국공학대학교) to chapter 9 of 혼자 공부하는 머신러닝 + 딥러닝 (박해선, 한빛미디어, revised edition): one run a model, on a cloud machine with a GPU';

export const authors = {
  'simple-rnn-onehot': {
    epochs: 13,
    validationLoss: 0.5514,
    validationAccuracy: 0.727,
    of: 'the last epoch',
    millisecondsPerStep: [17, 19],
    parameters: 1681,
  },
  'simple-rnn-embedding': {
    epochs: 10,
    validationLoss: 0.537,
    validationAccuracy: 0.7582,
    of: 'epoch 9',
    millisecondsPerStep: [155, 156],
    parameters: 8209,
  },
  'simple-rnn-pytorch': {
    epochs: 51,
    validationLoss: 0.5592,
    validationAccuracy: 0.7272,
    of: 'the best epoch',
    parameters: 8217,
  },
  lstm: {
    epochs: 17,
    validationLoss: 0.4233,
    validationAccuracy: 0.8088,
    of: 'the last epoch shown',
    millisecondsPerStep: [7, 9],
    parameters: 8809,
  },
  'lstm-dropout': {
    epochs: 9,
    validationLoss: 0.4382,
    validationAccuracy: 0.7964,
    of: 'the last epoch shown',
    millisecondsPerStep: [7, 10],
    parameters: 8809,
  },
  'lstm-stacked': {
    epochs: 17,
    validationLoss: 0.4256,
    validationAccuracy: 0.8094,
    of: 'the last epoch shown',
    millisecondsPerStep: [11, 14],
    parameters: 9353,
  },
  'gru-dropout': {
    epochs: 16,
    validationLoss: 0.432,
    validationAccuracy: 0.8058,
    of: 'epoch 15',
    testLoss: 0.4207,
    testAccuracy: 0.8072,
    millisecondsPerStep: [8, 10],
    parameters: 8633,
  },
  'lstm-stacked-pytorch': {
    epochs: 23,
    validationLoss: 0.4256,
    validationAccuracy: 0.8014,
    of: 'the best epoch shown',
    testAccuracy: 0.8072,
    parameters: 9417,
  },
} as const satisfies Record<ChapterModel, AuthorsFigures>;

/** Of the 20,000 reviews to train on, and of the first ones of the data set. */
export const authorsFacts = {
  firstLengths: [218, 189],
  firstLabels: [1, 0, 0, 1, 0, 0, 1, 0, 1, 0, 1, 0, 0, 0, 0, 0, 1, 1, 0, 1],
  meanLength: 239.00925,
  medianLength: 178,
  idsMegabytes: 7.6,
  oneHotGigabytes: 3,
} as const;
