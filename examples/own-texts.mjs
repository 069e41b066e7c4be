/**
 * Train on texts that your program has at hand, keep the model, export it, classify with it.
 *
 *     node examples/own-texts.mjs
 */
import { train } from 'recurrent-onnx';
import { createDataset } from 'recurrent-onnx/data';
import { exportOnnx } from 'recurrent-onnx/export';
import { zooModel } from 'recurrent-onnx/models';
import { loadClassifier } from 'recurrent-onnx/runtime';

const questions = [
  'what time is it',
  'where do you live',
  'who is at the door',
  'how old are you',
  'why is it so dark',
];
const requests = ['open the window', 'bring me some tea', 'close the door', 'give me your hand', 'turn on the light'];
/** In an app: the rows of a database. */
const rows = Object.entries({ question: questions, request: requests }).flatMap(([label, texts]) =>
  texts.flatMap((text) => ['', 'please ', 'now '].map((opening) => ({ text: opening + text, label }))),
);

const { model, history, bestEpoch } = await train({
  data: createDataset(rows),
  spec: zooModel('lstm').build,
  maxLength: 8,
  epochs: 30,
  batchSize: 8,
  learningRate: 0.02,
  patience: 10,
});
console.log(`${history.length} epochs; the best is ${bestEpoch}`);

const classifier = await loadClassifier(exportOnnx(model));
for (const text of ['where is the window', 'bring me the light']) {
  const { label, probability } = await classifier.predict(text);
  console.log(`${text}: ${label} (${probability.toFixed(2)})`);
}
await classifier.dispose();
