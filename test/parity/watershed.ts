/** A model and six rows, one of which its weights do not determine: h = r·h + k·x, whose terms cancel and are doubled on. */
import { specOf, subjectOf } from '../contract/runner.ts';

/** @param width values of an embedding: each adds its own share to what the weights leave open */
function subjectOfWidth(width: number) {
  const spec = specOf(
    { type: 'embedding', inputDim: 10, outputDim: width },
    { type: 'simpleRnn', units: 1, activation: 'linear', bias: 'none' },
    { type: 'dense', units: 1, activation: 'sigmoid' },
  );
  const embeddings = [0, 1, -2, 0.3, 0, 0, 0, 0, 0, 0].flatMap((value) => Array<number>(width).fill(value));
  const tensor = (shape: number[], ...values: number[]) => ({ shape, data: Float32Array.from(values) });
  return subjectOf(
    spec,
    new Map([
      ['embedding/embeddings', tensor([10, width], ...embeddings)],
      ['simple_rnn/kernel', tensor([width, 1], ...Array<number>(width).fill(1 / width))],
      ['simple_rnn/recurrent_kernel', tensor([1, 1], 2)],
      ['dense/kernel', tensor([1, 1], 1)],
      ['dense/bias', tensor([1], -0.5)],
    ]),
  );
}

const time = 12;

/** Nothing but 0.3 in the last step; the first id, whose embedding is 0, tells the row. */
const plain = (row: number): number[] => [4 + row, ...Array<number>(time - 2).fill(0), 3];

/** 1 · 2 − 2 = 0, doubled ten times. */
const cancelling = [1, 2, ...Array<number>(time - 2).fill(0)];

export function watershedOf(width: number) {
  const subject = subjectOfWidth(width);
  return {
    subject,
    model: subject.model,
    time,
    rows: 6,
    sensitiveRow: 4,
    ids: Int32Array.from([plain(0), plain(1), plain(2), plain(3), cancelling, plain(5)].flat()),
  };
}

export const watershed = watershedOf(1);
