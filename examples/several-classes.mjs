/**
 * More than two classes: one unit a class and a softmax, read forwards and backwards.
 *
 *     node examples/several-classes.mjs
 */
import { fileURLToPath } from 'node:url';
import { evaluate, train } from 'recurrent-onnx';
import { loadDataset } from 'recurrent-onnx/data';
import { exportOnnx } from 'recurrent-onnx/export';
import { loadClassifier } from 'recurrent-onnx/runtime';

const data = await loadDataset(fileURLToPath(new URL('data/tickets.csv', import.meta.url)));
const { model, split } = await train({
  data,
  spec: ({ vocabularySize, classes }) => ({
    version: 1,
    name: 'tickets',
    layers: [
      { type: 'embedding', inputDim: vocabularySize, outputDim: 8, maskZero: true },
      { type: 'bidirectional', layer: { type: 'gru', units: 8 }, mergeMode: 'concat' },
      { type: 'dense', units: classes, activation: 'softmax' },
    ],
  }),
  maxLength: 20,
  epochs: 40,
  batchSize: 8,
  learningRate: 0.01,
  patience: 8,
});

const held = { ...data, examples: Array.from(split.test, (index) => data.examples[index]) };
const { confusion } = await evaluate(model, held);
for (const [row, counts] of confusion.entries()) {
  console.log(`${data.labels[row]}: ${counts.map((count, column) => `${count} ${data.labels[column]}`).join(', ')}`);
}

const classifier = await loadClassifier(exportOnnx(model));
const { label, scores } = await classifier.predict('the parcel was left in the rain');
console.log(`${label}:`, scores);
await classifier.dispose();
