/**
 * The questions of the chapter that a number or a shape answers, answered by the library.
 *
 *     node examples/quiz.mjs
 */
import { countParameters, padSequences, parseSpec, planModel } from 'recurrent-onnx/models';

/** What the library plans for one recurrent layer over one-hot inputs. */
function recurrentLayer(type, inputs, units) {
  const layers = [
    { type: 'oneHot', depth: inputs },
    { type, units },
    { type: 'dense', units: 1, activation: 'sigmoid' },
  ];
  return planModel(parseSpec({ version: 1, name: 'quiz', layers })).layers[1];
}

const shapes = ({ parameters }) => parameters.map(({ name, shape }) => `${name.split('/')[1]} [${shape.join(', ')}]`);

const small = recurrentLayer('simpleRnn', 4, 3);
console.log(`4 inputs, 3 units: ${countParameters(small)} parameters: ${shapes(small).join(', ')}`);

const ten = recurrentLayer('simpleRnn', 4, 10).parameters.find(({ name }) => name.endsWith('/recurrent_kernel'));
console.log(`W_h of 10 units: [${ten.shape.join(', ')}]`);

// The 100 time steps share their weights, so they do not count.
const wide = recurrentLayer('simpleRnn', 10, 16);
console.log(`inputs of (100, 10), 16 units: ${countParameters(wide)} parameters: ${shapes(wide).join(', ')}`);

// Zeros come after the ids, and what is too long loses its beginning: no result begins with 0.
const sequences = [
  [6, 10, 5, 7, 3, 8],
  [10, 5, 7, 3, 8],
  [5, 7, 3, 8],
  [7, 3, 8],
  [10, 5, 7],
];
const rows = sequences.map((ids) => [...padSequences([ids], { maxLength: 5, padding: 'post', truncating: 'pre' })]);
console.log(`pad_sequences(5, padding='post', truncating='pre'): ${rows.map((row) => `[${row}]`).join(' ')}`);

const [lstm, gru] = [recurrentLayer('lstm', 16, 8), recurrentLayer('gru', 16, 8)];
console.log(`LSTM(8) on 16 inputs: ${countParameters(lstm)} parameters: ${shapes(lstm).join(', ')}`);
console.log(`GRU(8) on 16 inputs: ${countParameters(gru)} parameters: ${shapes(gru).join(', ')}`);
