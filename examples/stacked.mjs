/**
 * Two LSTM layers, one on the other: the lower one gives the hidden state of every step.
 *
 *     node examples/stacked.mjs
 */
import { fileURLToPath } from 'node:url';
import { train } from 'recurrent-onnx';
import { loadDataset } from 'recurrent-onnx/data';
import { decodeOnnx, exportOnnx } from 'recurrent-onnx/export';
import { parseSpec, planModel, summary } from 'recurrent-onnx/models';

/** @param {number} vocabularySize @param {boolean} returnSequences of the lower layer */
const stacked = (vocabularySize, returnSequences) => ({
  version: 1,
  name: 'stacked',
  layers: [
    { type: 'embedding', inputDim: vocabularySize, outputDim: 16 },
    { type: 'lstm', units: 8, dropout: 0.2, returnSequences },
    { type: 'lstm', units: 8, dropout: 0.2 },
    { type: 'dense', units: 1, activation: 'sigmoid' },
  ],
});

console.log(summary(planModel(parseSpec(stacked(500, true))), { time: 100 }));

try {
  planModel(parseSpec(stacked(500, false)));
} catch (error) {
  console.log(`without returnSequences: ${error.message}`);
}

const data = await loadDataset(fileURLToPath(new URL('data/mood', import.meta.url)));
const spec = (/** @type {{ vocabularySize: number }} */ { vocabularySize }) => stacked(vocabularySize, true);
const { model, history } = await train({ data, spec, maxLength: 20, epochs: 5 });
const nodes = decodeOnnx(exportOnnx(model)).nodes.filter(({ op }) => op === 'LSTM');
console.log(`${history.length} epochs; the ONNX file has ${nodes.length} LSTM nodes`);
