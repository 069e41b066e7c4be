/** A model and two rows, one of which its weights do not determine: h = r·h + k·x, whose terms cancel and are doubled on. */
import { specOf, subjectOf } from '../contract/runner.ts';

const spec = specOf(
  { type: 'embedding', inputDim: 4, outputDim: 1 },
  { type: 'simpleRnn', units: 1, activation: 'linear', bias: 'none' },
  { type: 'dense', units: 1, activation: 'sigmoid' },
);

const column = (...values: number[]) => ({ shape: [values.length, 1], data: Float32Array.from(values) });

const subject = subjectOf(
  spec,
  new Map([
    ['embedding/embeddings', column(0, 1, -2, 0.3)],
    ['simple_rnn/kernel', column(1)],
    ['simple_rnn/recurrent_kernel', column(2)],
    ['dense/kernel', column(1)],
    ['dense/bias', { shape: [1], data: Float32Array.of(-0.5) }],
  ]),
);

const time = 12;

export const watershed = {
  subject,
  model: subject.model,
  time,
  rows: 2,
  /** Row 0 is sensitive: 1 · 2 − 2 = 0, doubled ten times. Row 1 is not: 0.3 in the last step. */
  ids: Int32Array.of(1, 2, ...Array(time - 2).fill(0), ...Array(time - 1).fill(0), 3),
};
