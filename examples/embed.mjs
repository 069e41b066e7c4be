/**
 * Put a model into an app: sessions in processes of their own, messages as they arrive, those that are sure enough, and
 * why.
 *
 *     node examples/embed.mjs
 */
import { fileURLToPath } from 'node:url';
import { train } from 'recurrent-onnx';
import { loadDataset } from 'recurrent-onnx/data';
import { exportOnnx } from 'recurrent-onnx/export';
import { loadClassifier, RecurrentError } from 'recurrent-onnx/runtime';

const { model } = await train({
  data: await loadDataset(fileURLToPath(new URL('data/tickets.csv', import.meta.url))),
  spec: ({ vocabularySize, classes }) => ({
    version: 1,
    name: 'tickets',
    layers: [
      { type: 'embedding', inputDim: vocabularySize, outputDim: 8, maskZero: true },
      { type: 'gru', units: 8 },
      { type: 'dense', units: classes, activation: 'softmax' },
    ],
  }),
  maxLength: 20,
  epochs: 40,
  learningRate: 0.02,
  patience: 10,
});

const classifier = await loadClassifier(exportOnnx(model), { isolation: 'process', batching: { maxBatch: 32 } });

/** In an app: a queue, a socket, the rows of a database. */
async function* messages() {
  yield 'my card was charged twice';
  yield 'the parcel never arrived';
  yield 'hm';
}
for await (const { label, words } of classifier.predictStream(messages(), { threshold: 0.5 })) {
  console.log(`${label ?? 'for a person'} (${words} words)`);
}

const { label, words } = await classifier.explain('my card was charged twice');
const [most] = words.toSorted((a, b) => b.contribution - a.contribution);
console.log(`${label}: most by "${most?.word}"`);

try {
  await classifier.predict('too late', { signal: AbortSignal.abort() });
} catch (error) {
  if (error instanceof RecurrentError) console.log(error.code, error.retryable);
}
await classifier.dispose();
