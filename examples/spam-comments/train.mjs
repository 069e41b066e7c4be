/** Trains the model of the service on comments.csv, and writes it as one ONNX file: a second or two. */
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { train } from 'recurrent-onnx';
import { loadDataset } from 'recurrent-onnx/data';
import { exportOnnx } from 'recurrent-onnx/export';

const { model, history, bestEpoch } = await train({
  data: await loadDataset(fileURLToPath(new URL('comments.csv', import.meta.url))),
  spec: ({ vocabularySize }) => ({
    version: 1,
    name: 'spam-comments',
    layers: [
      { type: 'embedding', inputDim: vocabularySize, outputDim: 8, maskZero: true },
      { type: 'bidirectional', layer: { type: 'gru', units: 8 } },
      { type: 'dense', units: 1, activation: 'sigmoid' },
    ],
  }),
  maxLength: 40,
  batchSize: 16,
  learningRate: 0.01,
  epochs: 40,
  patience: 10,
});
await writeFile('model.onnx', exportOnnx(model));
console.log(`model.onnx: ${model.labels.join(', ')}; ${history.length} epochs, the best is ${bestEpoch}`);
