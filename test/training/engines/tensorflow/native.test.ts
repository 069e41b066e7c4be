import { availableParallelism } from 'node:os';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ModelSpec, SpecInput } from '../../../../models/layers.ts';
import type { Tensor } from '../../../../models/weights.ts';
import { referenceForward, referenceGradients } from '../../../../src/reference/reference.ts';
import { dropoutMask } from '../../../../src/training/dropout.ts';
import { candidatesOf } from '../../../../src/training/engines/select.ts';
import { loadNativeTensorflow } from '../../../../src/training/engines/tensorflow/backend.ts';
import { createTensorflowProvider, tensorflowEngine } from '../../../../src/training/engines/tensorflow/engine.ts';
import { recurrentLayers } from '../../../../src/training/engines/tensorflow/index.ts';
import { sgd } from '../../../../src/training/optimisers.ts';
import { describeEngine } from '../../../contract/engine.ts';
import { randomBatch, randomWeights } from '../../../support/arbitrary-spec.ts';
import { largestDifference } from '../../../support/largest-difference.ts';
import { operationsOf } from '../../../support/tensorflow-binding.ts';
import { describeDropIn } from './describe-drop-in.ts';
import { describeDropInModels } from './describe-drop-in-models.ts';
import { describeTraining, specOf } from './describe-training.ts';

const threads = Number(process.env.TF_NUM_INTRAOP_THREADS) || availableParallelism();
const small = specOf({ type: 'oneHot', depth: 3 }, { type: 'lstm', units: 2 }, { type: 'dense', units: 1 });
const refusal = await tensorflowEngine.refusal(small);

/** With the operations that a GPU would run, on the CPU: without the kernels. */
const asOnGpu = createTensorflowProvider(
  async () => ({ ...(await loadNativeTensorflow()), device: 'GPU' }),
  () => threads,
);

if (refusal === undefined) {
  describeEngine({ provider: tensorflowEngine, threads, cases: 150 });
  describe('with operations alone, as on a GPU', () => {
    describeEngine({ provider: asOnGpu, threads, cases: 50 });
  });
  describeTraining({ provider: tensorflowEngine, load: loadNativeTensorflow, threads });
  describeDropIn(loadNativeTensorflow);
  describeDropInModels(loadNativeTensorflow);
  describeNative();
} else {
  describe('engine tensorflow', () => {
    it.skip(`needs TensorFlow's native library: ${refusal}`);
  });
}

function describeNative(): void {
  it('is offered with the threads that it has, and no others', async () => {
    const load = { spec: small, optimiser: sgd, rows: 64, time: 10 };
    const of = (asked: number | undefined) =>
      candidatesOf(['tensorflow'], { load, threads: asked, cores: threads + 1 });
    expect((await of(undefined)).candidates.map((candidate) => candidate.load.threads)).toEqual([threads]);
    expect((await of(threads + 1)).refused).toEqual([
      { engine: 'tensorflow', reason: expect.stringMatching(/was started with|uses at most/) },
    ]);
  });

  const address = { seed: 11, epoch: 2, step: 5 };

  /** Largest error of logits and gradients as a share of the largest value or of 1, and the operations of a step. */
  async function stepOf(spec: ModelSpec, rows: number, time: number, seed: number, provider = tensorflowEngine) {
    const weights = randomWeights(spec, seed);
    const batch = randomBatch(spec, rows, time, seed);
    const engine = await provider.prepare({ spec, weights, optimiser: sgd, threads });
    const { logits } = await engine.evaluate(batch);
    const { tf } = await loadNativeTensorflow();
    const operations = await operationsOf(tf, () => engine.step(batch, address, 1));
    const after = (await engine.state()).weights;
    await engine.dispose();
    const drops = JSON.stringify(spec).includes('"dropout":0.25');
    const { gradients } = referenceGradients(
      { spec, weights },
      batch,
      drops ? (stream, purpose, size) => dropoutMask(address, purpose, stream, 0.25, size) : undefined,
    );
    const errors = [largestDifference(logits, referenceForward({ spec, weights }, batch.ids, rows, time).logits)];
    for (const [name, expected] of gradients) {
      const before = (weights.get(name) as Tensor).data;
      const moved = (after.get(name) as Tensor).data;
      errors.push(
        largestDifference(
          before.map((value, i) => value - (moved[i] as number)),
          expected,
        ),
      );
    }
    return { error: Math.max(...errors), operations };
  }

  describe('the fused LSTM', () => {
    const options = fc.record({
      units: fc.integer({ min: 1, max: 20 }),
      bias: fc.constantFrom('none' as const, 'single' as const, 'double' as const),
      dropout: fc.constantFrom(0, 0.25),
      returnSequences: fc.boolean(),
    });

    it('computes outputs and gradients of the float64 reference, with masks and in every direction', async () => {
      await fc.assert(
        fc.asyncProperty(
          options,
          fc.constantFrom('forward' as const, 'backward' as const, 'bidirectional' as const),
          fc.boolean(),
          fc.nat(),
          async (options, direction, maskZero, seed) => {
            const refused = direction === 'backward' && maskZero; // with all steps, by the spec
            const lstm = { type: 'lstm' as const, ...options, returnSequences: options.returnSequences && !refused };
            const spec = specOf(
              { type: 'embedding', inputDim: 9, outputDim: 5, maskZero },
              direction === 'bidirectional'
                ? { type: direction, layer: lstm }
                : { ...lstm, goBackwards: direction === 'backward' },
              ...(lstm.returnSequences ? [{ type: 'pooling' as const, kind: 'average' as const }] : []),
              { type: 'dense', units: 1 },
            );
            const { error, operations } = await stepOf(spec, 5, 8, seed);
            // float32: some hundred operations of 6e-8 on values of the order of 1
            expect(error).toBeLessThan(5e-6);
            const fused = operations.filter((name) => name.startsWith('BlockLSTM'));
            const each = direction === 'bidirectional' ? 2 : 1;
            expect(fused).toHaveLength(2 * each);
          },
        ),
        { numRuns: 60, seed: 1 },
      );
    });

    it('stands aside for other activations, recurrent dropout and one-hot rows', async () => {
      const embedding = { type: 'embedding', inputDim: 9, outputDim: 5 } as const;
      const others = [
        specOf(embedding, { type: 'lstm', units: 3, activation: 'softsign' }, { type: 'dense', units: 1 }),
        specOf(embedding, { type: 'lstm', units: 3, recurrentActivation: 'hardSigmoid' }, { type: 'dense', units: 1 }),
        specOf(
          embedding,
          { type: 'lstm', units: 3, dropout: 0.25, recurrentDropout: 0.25 },
          { type: 'dense', units: 1 },
        ),
        small,
      ];
      for (const spec of others) {
        const { error, operations } = await stepOf(spec, 5, 8, 3);
        expect(error).toBeLessThan(5e-6);
        expect(operations.filter((name) => name.startsWith('BlockLSTM'))).toEqual([]);
      }
    });
  });

  const cells = [
    ['fused lstm', { type: 'lstm', units: 4 }, 0],
    ['lstm', { type: 'lstm', units: 4, activation: 'softsign' }, 30],
    ['gru', { type: 'gru', units: 4 }, 25],
    ['gru, reset before', { type: 'gru', units: 4, resetAfter: false }, 25],
    ['simpleRnn', { type: 'simpleRnn', units: 4 }, 6],
  ] as const;
  const specWith = (layer: SpecInput['layers'][number]) =>
    specOf({ type: 'embedding', inputDim: 9, outputDim: 5 }, layer, { type: 'dense', units: 1 });

  it.each(cells)('needs no operation for a time step, or few without the kernels: %s', async (_, layer, most) => {
    const spec = specWith(layer);
    const more = async (provider: typeof tensorflowEngine) => {
      const [few, many] = [await stepOf(spec, 3, 5, 1, provider), await stepOf(spec, 3, 15, 1, provider)];
      expect(Math.max(few.error, many.error)).toBeLessThan(5e-6);
      return (many.operations.length - few.operations.length) / 10;
    };
    expect(await more(tensorflowEngine)).toBe(0);
    expect(await more(asOnGpu)).toBeLessThanOrEqual(most);
  });

  it('needs no operation for a time step of recurrent-onnx/tfjs with recurrent dropout either', async () => {
    const { tf } = await loadNativeTensorflow();
    const options = { units: 4, recurrentActivation: 'sigmoid', recurrentDropout: 0.5 } as const;
    const layer = recurrentLayers(tf, { seed: 1 }).lstm({ ...options, recurrentInitializer: 'glorotUniform' });
    const operations = (time: number) =>
      operationsOf(tf, () => tf.tidy(() => void layer.call(tf.ones([3, time, 2]), { training: true })));
    layer.build([null, null, 2]);
    expect(await operations(15)).toHaveLength((await operations(5)).length);
    tf.dispose(layer.weights.map((weight) => weight.read()));
  });

  it('leaves wide layers to the products of TensorFlow', async () => {
    const most = 2 ** 22; // multiplications of a step's recurrent product, as in docs/engines.md
    for (const [units, kernels] of [
      [128, true],
      [136, false],
    ] as const) {
      const spec = specWith({ type: 'gru', units });
      const rows = Math.floor(most / (3 * 128 * 128));
      const [few, many] = [await stepOf(spec, rows, 1, 1), await stepOf(spec, rows, 2, 1)];
      expect(Math.max(few.error, many.error)).toBeLessThan(2e-5); // sums of 85 rows and 128 units
      expect(many.operations.length === few.operations.length).toBe(kernels);
    }
  });
}
