/**
 * The chapter's LSTM from layers to a prediction: train, evaluate the loaded best model, export, classify.
 *
 *     node examples/imdb.mjs
 *
 * Reads the IMDB reviews where they are (`recurrent data imdb` fetches them, 84 MB), else 40 restaurant reviews that
 * come with the examples: enough to see every step run, too few to learn from.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { evaluate, RecurrentError, runFiles, train } from 'recurrent-onnx';
import { loadDataset } from 'recurrent-onnx/data';
import { exportOnnx } from 'recurrent-onnx/export';
import { loadCheckpoint, summary } from 'recurrent-onnx/models';
import { loadClassifier } from 'recurrent-onnx/runtime';

async function loadReviews() {
  try {
    return await loadDataset('imdb');
  } catch (error) {
    if (!(error instanceof RecurrentError && error.code === 'DATA_NOT_FOUND')) throw error;
    const restaurants = fileURLToPath(new URL('data/restaurants.jsonl', import.meta.url));
    return loadDataset(restaurants, { textColumn: 'review', labelColumn: 'verdict' });
  }
}

const data = await loadReviews();
console.log(`${data.examples.length} reviews: ${data.labels.join(', ')}`);

const out = await mkdtemp(join(tmpdir(), 'imdb-'));
try {
  const { split } = await train({
    data,
    spec: ({ vocabularySize }) => ({
      version: 1,
      name: 'lstm',
      layers: [
        { type: 'embedding', inputDim: vocabularySize, outputDim: 16 },
        { type: 'lstm', units: 8 },
        { type: 'dense', units: 1, activation: 'sigmoid' },
      ],
    }),
    vocabularySize: 500,
    maxLength: 100,
    truncating: 'pre',
    epochs: 100,
    patience: 3,
    out: join(out, 'lstm'),
    onStart: ({ plan, options }) => console.log(summary(plan, { time: options.maxLength })),
    onEpoch: ({ epoch, loss, validationLoss }) =>
      console.log(`epoch ${epoch}: loss ${loss.toFixed(4)}, validation loss ${validationLoss?.toFixed(4)}`),
  });

  const { model } = await loadCheckpoint(runFiles(join(out, 'lstm')).best);
  const held = { ...data, examples: Array.from(split.test, (index) => data.examples[index]) };
  const { accuracy, loss, examples } = await evaluate(model, held);
  console.log(`held out: ${(100 * accuracy).toFixed(2)} % of ${examples}, loss ${loss.toFixed(4)}`);

  const classifier = await loadClassifier(exportOnnx(model));
  for (const text of ['wonderful, we loved every minute of it', 'awful, the worst evening in years']) {
    const { label, probability } = await classifier.predict(text);
    console.log(`${text}: ${label} (${probability.toFixed(2)})`);
  }
  await classifier.dispose();
} finally {
  await rm(out, { recursive: true });
}
