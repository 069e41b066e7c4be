/**
 * What padding does to an answer: zeros before or after the words, masked or not, with the same weights.
 *
 *     node examples/padding.mjs
 */
import { fileURLToPath } from 'node:url';
import { train } from 'recurrent-onnx';
import { loadDataset } from 'recurrent-onnx/data';
import { exportOnnx } from 'recurrent-onnx/export';
import { createEncoder, padSequences, planModel } from 'recurrent-onnx/models';
import { loadClassifier } from 'recurrent-onnx/runtime';

const data = await loadDataset(fileURLToPath(new URL('data/mood', import.meta.url)));

for (const maskZero of [false, true]) {
  const { model } = await train({
    data,
    spec: ({ vocabularySize }) => ({
      version: 1,
      name: 'mood',
      layers: [
        { type: 'embedding', inputDim: vocabularySize, outputDim: 8, maskZero },
        { type: 'lstm', units: 8 },
        { type: 'dense', units: 1, activation: 'sigmoid' },
      ],
    }),
    maxLength: 12,
    epochs: 30,
    batchSize: 4,
    learningRate: 0.02,
    ...{ engine: 'wasm', threads: 1 },
  });
  const encoder = createEncoder({ ...model, vocabularySize: planModel(model.spec).vocabularySize });
  const ids = encoder.encode('what a lovely day');
  const classifier = await loadClassifier(exportOnnx(model));
  console.log(maskZero ? 'masked' : 'not masked');
  const answers = [];
  for (const padding of /** @type {const} */ (['pre', 'post'])) {
    const row = padSequences([ids], { maxLength: 12, padding, truncating: 'pre' });
    const { probabilities } = await classifier.predictIds(row, 1, 12);
    answers.push(probabilities[0]);
    console.log(`  [${row.join(' ')}]: ${probabilities[0].toFixed(4)}`);
  }
  console.log(answers[0] === answers[1] ? '  equal to the last bit' : '  not equal');
  await classifier.dispose();
}
