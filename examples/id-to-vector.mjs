/**
 * How an id becomes a vector: it is the number of a row of the embedding's matrix, and training moves that row.
 *
 *     node examples/id-to-vector.mjs
 */
import { fileURLToPath } from 'node:url';
import { train } from 'recurrent-onnx';
import { loadDataset } from 'recurrent-onnx/data';
import { createEncoder, initialWeights } from 'recurrent-onnx/models';

const data = await loadDataset(fileURLToPath(new URL('data/mood', import.meta.url)));
const { model, plan } = await train({
  data,
  spec: ({ vocabularySize }) => ({
    version: 1,
    name: 'mood',
    layers: [
      { type: 'embedding', inputDim: vocabularySize, outputDim: 4 },
      { type: 'lstm', units: 4 },
      { type: 'dense', units: 1, activation: 'sigmoid' },
    ],
  }),
  maxLength: 10,
  epochs: 5,
  seed: 1,
  ...{ engine: 'wasm', threads: 1 },
});

const encoder = createEncoder({ ...model, vocabularySize: plan.vocabularySize });
const { ids } = encoder.encodeAll(['what a day']);
console.log(`ids: ${ids.join(' ')}`);

/** Row `id` of the matrix. */
function rowOf(weights, id) {
  const { shape, data } = weights.get('embedding/embeddings');
  return data.slice(id * shape[1], (id + 1) * shape[1]);
}

/** The same as a product with a one-hot vector: all terms but one are zero. */
function oneHotProduct(weights, id) {
  const [rows, columns] = weights.get('embedding/embeddings').shape;
  const oneHot = Float32Array.from({ length: rows }, (_, row) => (row === id ? 1 : 0));
  return Float32Array.from({ length: columns }, (_, column) =>
    oneHot.reduce((sum, one, row) => sum + one * rowOf(weights, row)[column], 0),
  );
}

const show = (vector) => `[${Array.from(vector, (value) => value.toFixed(4)).join(', ')}]`;
const id = ids.at(-1);
console.log(`row ${id}: ${show(rowOf(model.weights, id))}`);
console.log(`one-hot × matrix: ${show(oneHotProduct(model.weights, id))}`);
console.log(`before training: ${show(rowOf(initialWeights(plan, 1), id))}`);

// What the chapter's 20,000 reviews of 100 words need, front-padded: as int32 ids, and as one-hot vectors of 200.
const idBytes = 20_000 * 100 * 4;
const mebibytes = (bytes) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
console.log(
  `ids ${mebibytes(idBytes)}, one-hot float32 ${mebibytes(200 * idBytes)}, float64 ${mebibytes(400 * idBytes)}`,
);
