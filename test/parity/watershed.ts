/** A model and six rows, one of which its weights do not determine: h = r·h + k·x, whose terms cancel and are doubled on. */
import { specOf, subjectOf } from '../contract/runner.ts';

const spec = specOf(
  { type: 'embedding', inputDim: 10, outputDim: 1 },
  { type: 'simpleRnn', units: 1, activation: 'linear', bias: 'none' },
  { type: 'dense', units: 1, activation: 'sigmoid' },
);

const column = (...values: number[]) => ({ shape: [values.length, 1], data: Float32Array.from(values) });

const subject = subjectOf(
  spec,
  new Map([
    ['embedding/embeddings', column(0, 1, -2, 0.3, 0, 0, 0, 0, 0, 0)],
    ['simple_rnn/kernel', column(1)],
    ['simple_rnn/recurrent_kernel', column(2)],
    ['dense/kernel', column(1)],
    ['dense/bias', { shape: [1], data: Float32Array.of(-0.5) }],
  ]),
);

const time = 12;

/** Nothing but 0.3 in the last step; the first id, whose embedding is 0, tells the row. */
const plain = (row: number): number[] => [4 + row, ...Array<number>(time - 2).fill(0), 3];

/** 1 · 2 − 2 = 0, doubled ten times. */
const cancelling = [1, 2, ...Array<number>(time - 2).fill(0)];

export const watershed = {
  subject,
  model: subject.model,
  time,
  rows: 6,
  sensitiveRow: 4,
  ids: Int32Array.from([plain(0), plain(1), plain(2), plain(3), cancelling, plain(5)].flat()),
};
