/**
 * TensorFlow's recurrent layers on cuDNN: that they really run there, right, in what time. The only tests that see
 * NVIDIA's code; a rehearsal has the emulated device of test/support/cudnn.ts.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { SpecInput } from '../../models/layers.ts';
import { parseSpec } from '../../models/spec.ts';
import { loadNativeTensorflow, type Tensorflow } from '../../src/training/engines/tensorflow/backend.ts';
import { adam } from '../../src/training/optimisers.ts';
import { errorsOf } from '../contract/engine-cases.ts';
import { randomBatch, randomStates, randomWeights } from '../support/arbitrary-spec.ts';
import { pretendGpu } from '../support/cudnn.ts';
import { changeBinding, operationsOf } from '../support/tensorflow-binding.ts';
import { describeGpu, rehearsal, tensorflowOnGpu, whyNoTensorflowGpu } from './device.ts';

type LayerInput = SpecInput['layers'][number];

const sizes = rehearsal ? { units: 3, rows: 3, time: 4 } : { units: 48, rows: 32, time: 50 };
const timed = rehearsal ? { units: 3, rows: 3, time: 4 } : { units: 128, rows: 64, time: 100 };
const threads = tensorflowOnGpu.fewestThreads?.() ?? 1;

const specOf = (layer: LayerInput, features: number) =>
  parseSpec({
    version: 1,
    name: 'cudnn',
    layers: [
      { type: 'embedding', inputDim: 200, outputDim: features, maskZero: !JSON.stringify(layer).includes('relu') },
      layer,
      { type: 'dense', units: 1, activation: 'sigmoid' },
    ],
  });

const layers = (units: number): [string, LayerInput][] => [
  ['lstm', { type: 'lstm', units }],
  ['lstm, backwards, without a bias', { type: 'lstm', units, goBackwards: true, bias: 'none' }],
  ['lstm with two biases', { type: 'lstm', units, bias: 'double', dropout: 0.25 }],
  ['gru', { type: 'gru', units }],
  ['bidirectional gru', { type: 'bidirectional', layer: { type: 'gru', units } }],
  ['simpleRnn', { type: 'simpleRnn', units }],
  ['simpleRnn of relu', { type: 'simpleRnn', units, activation: 'relu' }],
];

describeGpu('recurrent layers on cuDNN', await whyNoTensorflowGpu(specOf({ type: 'lstm', units: 1 }, 1)), () => {
  let tf: Tensorflow;
  let device: { readonly end: () => void };
  beforeAll(async () => {
    const loaded = await loadNativeTensorflow();
    loaded.use();
    tf = loaded.tf;
    device = rehearsal ? pretendGpu(tf, (params) => params) : changeBinding(tf, () => ({}));
  });
  afterAll(() => device.end());

  it.each(layers(sizes.units))('%s: proved, taken, and right', async (_, layer) => {
    const { rows, time, units } = sizes;
    const spec = specOf(layer, units - 1);
    const weights = randomWeights(spec, 1);
    const engine = await tensorflowOnGpu.prepare({ spec, weights, optimiser: adam, threads });
    const step = () => engine.step(randomBatch(spec, rows, time, 1), { seed: 0, epoch: 0, step: 0 }, 0.001);
    const names = await operationsOf(tf, step);
    expect(engine.remark).toMatch(/^\w+ on cuDNN$/);
    await engine.dispose();
    const each = layer.type === 'bidirectional' ? 2 : 1;
    expect(names.filter((name) => name.startsWith('CudnnRNN')).sort()).toEqual([
      ...Array(each).fill('CudnnRNNBackpropV3'),
      ...Array(each).fill('CudnnRNNV3, is_training'),
    ]);
    const batch = { ...randomBatch(spec, rows, time, 2), initialStates: randomStates(spec, rows, 2) };
    const errors = await errorsOf({ provider: tensorflowOnGpu, threads }, { spec, weights, batch });
    console.log(`${engine.remark}: logits off by ${errors.logits}, gradients by ${errors.gradients}`);
    // what a proof allows, see cudnn-proof.ts; the sums here are longer
    expect(Math.max(errors.logits, errors.gradients)).toBeLessThan(1e-4);
  });

  it.each(layers(timed.units))('%s: in what time', async (name, layer) => {
    const { rows, time, units } = timed;
    const spec = specOf(layer, units);
    const batch = randomBatch(spec, rows, time, 1);
    const medianStep = async () => {
      const engine = await tensorflowOnGpu.prepare({ spec, weights: randomWeights(spec, 1), optimiser: adam, threads });
      const times: number[] = [];
      for (let step = 0; step < (rehearsal ? 2 : 15); step++) {
        const from = performance.now();
        await engine.step(batch, { seed: 0, epoch: 0, step }, 0.001); // ends when the loss has come back from the device
        times.push(performance.now() - from);
      }
      await engine.dispose();
      const ms = times.slice(times.length >> 1).sort((a, b) => a - b)[times.length >> 2] as number;
      return { ms, remark: engine.remark ?? '' };
    };
    const on = await medianStep();
    const without = changeBinding(tf, ({ executeOp }) => ({
      executeOp: (name, ...rest) => {
        if (name.startsWith('CudnnRNN')) throw new Error('taken away by this test');
        return executeOp(name, ...rest);
      },
    }));
    const off = await medianStep().finally(without.end);
    expect([on.remark, off.remark]).toEqual([
      expect.stringMatching(/ on cuDNN$/),
      expect.stringContaining('not on cuDNN: taken away by this test'),
    ]);
    console.log(
      `${name}, ${units} units, ${rows} rows, ${time} steps: ${on.ms.toPrecision(3)} ms a training step on cuDNN, ${off.ms.toPrecision(3)} without`,
    );
  });
});
