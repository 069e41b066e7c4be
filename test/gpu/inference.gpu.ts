/** Inference on CUDA: parity of every model of the zoo, the contract of all runners, and where the nodes really run. */
import { expect, it } from 'vitest';
import { exportOnnx } from '../../exporters/export.ts';
import type { SpecInput } from '../../models/layers.ts';
import { parseSpec } from '../../models/spec.ts';
import { zoo } from '../../models/zoo/zoo.ts';
import { loadClassifier } from '../../runtime/predict/classifier.ts';
import { runParity } from '../../src/parity/matrix.ts';
import { assertParity } from '../../src/parity/report.ts';
import { onnxruntimeRunner } from '../../src/parity/runners/onnxruntime.ts';
import { referenceRunner } from '../../src/parity/runners/reference.ts';
import { describeRunner, subjectOf } from '../contract/runner.ts';
import { randomBatch } from '../support/arbitrary-spec.ts';
import { modelOf } from '../support/trained-model.ts';
import { describeGpu, executionProvider, providers, rehearsal } from './device.ts';

const cuda = onnxruntimeRunner({ providers });
const embedding = { type: 'embedding', inputDim: 12, outputDim: 4, maskZero: true } as const;
const head = { type: 'dense', units: 1 } as const;
const refusal = await cuda.refusal(subjectOf(modelOf([embedding, { type: 'lstm', units: 4 }, head]).spec));

if (refusal === undefined) await describeRunner(cuda, { cases: 50 });

describeGpu('inference on CUDA', refusal, () => {
  it.each(zoo)('model $name: no label flips, no error over tolerance, padding and all', async ({ build }) => {
    const spec = parseSpec(build({ vocabularySize: 200, classes: 2 }));
    const [rows, time] = [64, 40];
    const report = await runParity({
      subject: subjectOf(spec),
      ids: randomBatch(spec, rows, time, 1).ids,
      rows,
      time,
      runners: [referenceRunner, cuda],
    });
    assertParity(report);
  });

  const recurrent = (layer: SpecInput['layers'][number]) => exportOnnx(modelOf([embedding, layer, head]));

  it.each<SpecInput['layers'][number]>([
    { type: 'simpleRnn', units: 4 },
    { type: 'lstm', units: 4, goBackwards: true },
    { type: 'gru', units: 4 },
    { type: 'bidirectional', layer: { type: 'lstm', units: 4 } },
  ])('a $type as it comes runs on the device, and passes --strict-provider', async (layer) => {
    const classifier = await loadClassifier(recurrent(layer), { providers, strictProvider: true });
    expect(classifier.warnings).toEqual([]);
    const nodes = (await classifier.placement()).filter(({ op }) => ['RNN', 'LSTM', 'GRU'].includes(op));
    expect(nodes.map(({ provider }) => provider)).toEqual([executionProvider]);
    await classifier.dispose();
  });

  it.each<SpecInput['layers'][number]>([
    { type: 'simpleRnn', units: 4, activation: 'relu' },
    { type: 'lstm', units: 4, recurrentActivation: 'hardSigmoid' },
    { type: 'gru', units: 4, resetAfter: false },
  ])(
    'a $type that cuDNN does not have falls back, with the reason, and is refused by --strict-provider',
    async (layer) => {
      const classifier = await loadClassifier(recurrent(layer), { providers });
      await classifier.dispose();
      const strict = await loadClassifier(recurrent(layer), { providers, strictProvider: true }).then(
        (strictly) => strictly.dispose(),
        ({ code }: { code: string }) => code,
      );
      expect({ warnings: classifier.warnings, strict }).toEqual(
        rehearsal
          ? { warnings: [], strict: undefined } // the CPU has them all
          : { warnings: [expect.stringContaining('cuDNN')], strict: 'PROVIDER_FALLBACK' },
      );
    },
  );

  it('a device that is not there is refused', async () => {
    const opening = loadClassifier(recurrent({ type: 'lstm', units: 4 }), { providers, deviceId: 63 });
    await expect(opening).rejects.toMatchObject({ code: rehearsal ? 'OPTION_UNSUPPORTED' : 'PROVIDER_MISSING' });
  });
});
