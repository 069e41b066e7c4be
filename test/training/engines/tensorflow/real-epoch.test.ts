/** An epoch of the chapter's LSTM on the real reviews, on TensorFlow and on the embedded engines, from one start. */
import { availableParallelism } from 'node:os';
import { beforeAll, describe, expect, it } from 'vitest';
import { exportOnnx } from '../../../../exporters/export.ts';
import { initialWeights } from '../../../../models/initialisers.ts';
import { planModel } from '../../../../models/plan.ts';
import type { Weights } from '../../../../models/weights.ts';
import { zooModel } from '../../../../models/zoo/zoo.ts';
import { findRealTexts } from '../../../../src/bench/training/real-texts.ts';
import { silent } from '../../../../src/core/progress.ts';
import { runParity } from '../../../../src/parity/matrix.ts';
import { batches } from '../../../../src/training/batches.ts';
import type { EncodedSet } from '../../../../src/training/encoded-set.ts';
import { onnxruntimeEngine } from '../../../../src/training/engines/onnxruntime/engine.ts';
import { tensorflowEngine } from '../../../../src/training/engines/tensorflow/engine.ts';
import { wasmEngine } from '../../../../src/training/engines/wasm/engine.ts';
import { adam } from '../../../../src/training/optimisers.ts';
import { modelOf } from '../../../support/trained-model.ts';

const rows = 20_000;
const { build, defaults } = zooModel('lstm');
const trained = modelOf(build({ vocabularySize: defaults.vocabularySize, classes: 2 }).layers);
const refused = await tensorflowEngine.refusal(trained.spec);
const texts = refused === undefined ? await findRealTexts(silent) : undefined;
const refusal = refused === undefined ? texts?.missing : `needs TensorFlow's native library: ${refused}`;

/**
 * Each step carries the roundings of all before it on, and engines round elsewhere: a loss of 0.7 has a last place of
 * 6e-8, and a step adds some of them. Seen in the 313 steps: 2e-5.
 */
const bound = 1e-4;

const threads = Number(process.env.TF_NUM_INTRAOP_THREADS) || availableParallelism();
const contenders = [
  { provider: tensorflowEngine, threads },
  { provider: wasmEngine, threads: 1 },
  { provider: onnxruntimeEngine, threads: 1 },
] as const;

if (refusal !== undefined || !texts) {
  describe('an epoch on the real reviews, on TensorFlow', () => {
    it.skip(`${refusal}`);
  });
} else {
  describe('an epoch on the real reviews, on TensorFlow and on the embedded engines', () => {
    let set: EncodedSet;
    const ran: { readonly name: string; readonly losses: readonly number[]; readonly weights: Weights }[] = [];

    beforeAll(async () => {
      set = await texts.encode(texts.reviews, defaults, rows);
      const weights = initialWeights(planModel(trained.spec), 0);
      for (const { provider, threads } of contenders) {
        const engine = await provider.prepare({ spec: trained.spec, weights, optimiser: adam, threads });
        const losses: number[] = [];
        for (const batch of batches(set, 64)) {
          const address = { seed: 0, epoch: 0, step: losses.length };
          losses.push((await engine.step(batch, address, 1e-3)).loss);
        }
        ran.push({ name: provider.name, losses, weights: (await engine.state()).weights });
        await engine.dispose();
      }
    });

    it('has one curve of losses', () => {
      const [tensorflow, ...others] = ran.map(({ losses }) => losses) as [number[], number[], number[]];
      expect(tensorflow.length).toBe(Math.ceil(rows / 64));
      expect(tensorflow.at(-1)).toBeLessThan(tensorflow[0] as number);
      for (const losses of others) {
        const apart = losses.map((loss, step) => Math.abs(loss - (tensorflow[step] as number)));
        expect(Math.max(...apart)).toBeLessThan(bound);
      }
    });

    it('gives weights whose exported files pass parity', async () => {
      const some = 500;
      for (const { name, weights } of ran) {
        const model = { ...trained, weights };
        const ids = set.ids.slice(0, some * set.time);
        const subject = { model, onnx: exportOnnx(model) };
        const report = await runParity({ subject, ids, rows: some, time: set.time });
        expect(report, name).toMatchObject({ passed: true, flips: 0 });
      }
    });
  });
}
