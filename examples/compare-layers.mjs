/**
 * The three recurrent layers on the same texts, written as specs of your own.
 *
 *     node examples/compare-layers.mjs
 */
import { fileURLToPath } from 'node:url';
import { evaluate, train } from 'recurrent-onnx';
import { loadDataset } from 'recurrent-onnx/data';
import { countParameters } from 'recurrent-onnx/models';

const data = await loadDataset(fileURLToPath(new URL('data/tickets.csv', import.meta.url)));

for (const type of /** @type {const} */ (['simpleRnn', 'lstm', 'gru'])) {
  const { model, plan, split } = await train({
    data,
    spec: ({ vocabularySize, classes }) => ({
      version: 1,
      name: `tickets-${type}`,
      layers: [
        { type: 'embedding', inputDim: vocabularySize, outputDim: 8, maskZero: true },
        { type: 'bidirectional', layer: { type, units: 8 } },
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
  const { accuracy, examples } = await evaluate(model, held);
  console.log(`${type}: ${countParameters(plan)} parameters, ${(100 * accuracy).toFixed(0)} % of ${examples} texts`);
}
