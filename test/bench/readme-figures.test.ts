/** The README's figures of speed are those that the benchmark kept. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

interface Row {
  readonly ids: string;
  readonly contender: string;
  readonly threads: number;
  readonly medianMs: number;
}

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const rowsOf = (part: string) =>
  (JSON.parse(read(`benchmarks/training/results/${part}.json`)).rows as Row[]).filter(({ ids }) => ids === 'imdb');

/** Of one or two threads, what is faster. */
const best = (rows: readonly Row[], contender: string) =>
  Math.min(...rows.filter((row) => row.contender === contender).map(({ medianMs }) => medianMs));

test.each(['README.md', 'README.ko.md'])('%s: a step of the IMDB LSTM', (page) => {
  const lstm = rowsOf('a-lstm');
  const text = read(page);
  expect(text).toContain(`${best(lstm, 'wasm').toFixed(2)} ms`);
  for (const contender of ['pytorch', 'keras', 'keras-xla'])
    expect(text).toContain(`${best(lstm, contender).toFixed(1)} ms`);
  expect(text).toContain(`${best(lstm, 'tfjs-node').toFixed(0)} ms`);
  expect(text).toContain(`${(best(lstm, 'tfjs-cpu') / 1000).toFixed(1)} s`);
});

test('layers of 128 and 256 units: 1.5 to 2 times PyTorch, thread for thread', () => {
  const ratios = ['b-lstm', 'b-gru', 'b-rnn', 'c-lstm', 'c-gru', 'c-rnn'].map(rowsOf).flatMap((rows) =>
    [1, 2].map((threads) => {
      const median = (contender: string) =>
        rows.find((row) => row.contender === contender && row.threads === threads)?.medianMs ?? Number.NaN;
      return median('pytorch') / median('onnxruntime');
    }),
  );
  expect(Number(Math.min(...ratios).toFixed(1))).toBe(1.5);
  expect(Number(Math.max(...ratios).toFixed(0))).toBe(2);
});
