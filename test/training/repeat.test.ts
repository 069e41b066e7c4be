/** Ten runs of one seed leave the same bytes: with every engine, on one thread and on two. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { SpecInput } from '../../models/layers.ts';
import { createRandom } from '../../src/core/random.ts';
import type { Dataset } from '../../src/data/dataset.ts';
import { train } from '../../src/training/train.ts';

const root = mkdtempSync(join(tmpdir(), 'repeat-'));
afterAll(() => rmSync(root, { recursive: true }));

const random = createRandom({ seed: 8, purpose: 'shuffle' });
const data: Dataset = {
  source: 'noise',
  labels: ['a', 'b', 'c'],
  examples: Array.from({ length: 100 }, (_, index) => ({
    id: String(index),
    text: Array.from({ length: 3 + random.below(12) }, () => `w${random.below(60)}`).join(' '),
    label: random.below(3),
  })),
  notes: [],
};

/** Something of everything that is drawn, summed or shared between threads. */
const spec = ({ vocabularySize, classes }: { vocabularySize: number; classes: number }): SpecInput => ({
  version: 1,
  name: 'repeat',
  layers: [
    { type: 'embedding', inputDim: vocabularySize, outputDim: 8, maskZero: true },
    { type: 'bidirectional', layer: { type: 'lstm', units: 8, returnSequences: true, dropout: 0.2 } },
    { type: 'gru', units: 9, recurrentDropout: 0.2 },
    { type: 'dropout', rate: 0.3 },
    { type: 'dense', units: classes, activation: 'softmax' },
  ],
});

describe.each([
  { engine: 'js', threads: 1 },
  { engine: 'wasm', threads: 1 },
  { engine: 'wasm', threads: 2 },
  { engine: 'onnxruntime', threads: 1 },
  { engine: 'onnxruntime', threads: 2 },
] as const)('$engine, threads $threads', (chosen) => {
  it('writes the same files in ten runs', async () => {
    const filesOf = async (run: number) => {
      const out = join(root, `${chosen.engine}-${chosen.threads}-${run}`);
      const { engine } = await train({ ...chosen, spec, data, out, epochs: 2, batchSize: 32, maxLength: 12, seed: 2 });
      expect(engine).toMatchObject({ name: chosen.engine, threads: chosen.threads });
      return ['best.safetensors', 'last.safetensors', 'history.csv'].map((file) => readFileSync(join(out, file)));
    };
    const first = await filesOf(0);
    for (let run = 1; run < 10; run++) {
      (await filesOf(run)).forEach((file, i) => {
        expect(file.equals(first[i] as Buffer), `file ${i} of run ${run}`).toBe(true);
      });
    }
  });
});
