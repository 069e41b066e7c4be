/**
 * A model as PyTorch builds it: two bias vectors a gate, its starting weights, its Adam, and the loss on logits.
 *
 *     node examples/pytorch-form.mjs
 */
import { fileURLToPath } from 'node:url';
import { train } from 'recurrent-onnx';
import { loadDataset } from 'recurrent-onnx/data';
import { countParameters } from 'recurrent-onnx/models';

const data = await loadDataset(fileURLToPath(new URL('data/mood', import.meta.url)));
const { plan, history } = await train({
  data,
  // nn.Embedding, nn.LSTM(16, 8, num_layers=2, dropout=0.2, batch_first=True), nn.Linear, BCEWithLogitsLoss
  spec: ({ vocabularySize }) => ({
    version: 1,
    name: 'pytorch-form',
    initialisers: 'pytorch',
    layers: [
      { type: 'embedding', inputDim: vocabularySize, outputDim: 16 },
      { type: 'lstm', units: 8, bias: 'double', unitForgetBias: false, returnSequences: true },
      { type: 'dropout', rate: 0.2 },
      { type: 'lstm', units: 8, bias: 'double', unitForgetBias: false },
      { type: 'dense', units: 1, activation: 'linear' },
    ],
  }),
  optimiser: { type: 'adam-pytorch' },
  maxLength: 20,
  epochs: 5,
});
for (const { layer, parameters } of plan.layers.filter(({ layer }) => layer.type === 'lstm')) {
  const shapes = parameters.map(({ name, shape }) => `${name.split('/')[1]} [${shape.join(', ')}]`);
  console.log(`${layer.name}: ${shapes.join(', ')}`);
}
console.log(`${countParameters(plan)} parameters, ${history.length} epochs`);
