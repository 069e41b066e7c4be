/**
 * Binary cross-entropy on probabilities (Keras, PyTorch's BCELoss) and on logits (BCEWithLogitsLoss): the gradient is the
 * same, but only the second survives float32.
 *
 *     node examples/two-losses.mjs
 */
import { fileURLToPath } from 'node:url';
import { train } from 'recurrent-onnx';
import { loadDataset } from 'recurrent-onnx/data';

const f = Math.fround;
const y = 0; // the answer is no; the model says yes, more and more loudly
const loud = [0, 2, 8, 16, 20].map((logit) => {
  const p = f(1 / (1 + Math.exp(-logit)));
  const slope = f(p * f(1 - p));
  return {
    logit,
    probability: p.toFixed(7),
    'loss by p': (-Math.log(f(1 - p))).toFixed(4),
    // As Keras does, and the library where the last layer has a sigmoid. Where it clips, the gradient is 0.
    clipped: (-Math.log(1 - Math.min(p, 1 - 1e-7))).toFixed(4),
    'by logit': (Math.max(logit, 0) - logit * y + Math.log1p(Math.exp(-Math.abs(logit)))).toFixed(4),
    // The chain rule as it is written, dL/dp · dp/dlogit, and what it comes to.
    'gradient by p': f(f(f(p - y) / slope) * slope).toFixed(7),
    'gradient by logit': f(p - y).toFixed(7),
  };
});
const columns = Object.keys(loud[0]);
for (const cells of [columns, ...loud.map(Object.values)]) {
  console.log(cells.map((cell, column) => `${cell}`.padStart(columns[column].length + 2)).join(''));
}

// Where nothing is clipped the library's two heads are trained by the same numbers.
const data = await loadDataset(fileURLToPath(new URL('data/mood', import.meta.url)));
/** @param {'sigmoid' | 'linear'} activation */
async function weightsWith(activation) {
  const { model } = await train({
    data,
    spec: ({ vocabularySize }) => ({
      version: 1,
      name: 'mood',
      layers: [
        { type: 'embedding', inputDim: vocabularySize, outputDim: 8 },
        { type: 'lstm', units: 8 },
        { type: 'dense', units: 1, activation },
      ],
    }),
    ...{ maxLength: 10, epochs: 5, patience: 5, engine: 'wasm', threads: 1 },
  });
  return [...model.weights.values()].flatMap((tensor) => [...tensor.data]);
}
const [onProbabilities, onLogits] = await Promise.all([weightsWith('sigmoid'), weightsWith('linear')]);
const differences = onProbabilities.map((weight, place) => Math.abs(weight - onLogits[place]));
console.log(`largest difference of ${differences.length} weights after 5 epochs: ${Math.max(...differences)}`);
