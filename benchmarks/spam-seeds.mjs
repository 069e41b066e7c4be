/**
 * The default model on the spam mails, over several seeds: accuracy on the published held-out split, and parity of the
 * exported file with the float64 reference over all mails. One thread of engine wasm, so that other machines repeat it.
 * Prints a Markdown table.
 *
 *   npm run build && node benchmarks/spam-seeds.mjs [seeds]
 */
import { evaluateWith, train } from 'recurrent-onnx';
import { loadDataset } from 'recurrent-onnx/data';
import { exportOnnx } from 'recurrent-onnx/export';
import { createEncoder, planModel, zooModel } from 'recurrent-onnx/models';
import { runners, runParity } from 'recurrent-onnx/parity';
import { loadClassifier } from 'recurrent-onnx/runtime';

const seeds = Number(process.argv[2] ?? 5);
const { build, defaults } = zooModel('spam-lstm');
const data = await loadDataset('spam');
const accuracies = [];

console.log(
  '| seed | best epoch | held-out accuracy | loss | flips | largest error, all mails | 99.9 % of mails below | smallest margin |',
);
console.log('|---|---|---|---|---|---|---|---|');
for (let seed = 0; seed < seeds; seed++) {
  const { model, split, bestEpoch } = await train({ data, spec: build, defaults, seed, engine: 'wasm', threads: 1 });
  const onnx = exportOnnx(model);
  const classifier = await loadClassifier(onnx);
  const held = { labels: data.labels, examples: Array.from(split.test, (index) => data.examples[index]) };
  const { accuracy, loss } = await evaluateWith(classifier.predictIds, model, held);
  accuracies.push(accuracy);

  const { vocabularySize } = planModel(model.spec);
  const { ids, rows, time } = createEncoder({ ...model, vocabularySize }).encodeAll(
    data.examples.map(({ text }) => text),
  );
  const subject = { model, onnx };
  const report = await runParity({ subject, ids, rows, time, runners: [runners.reference, runners.onnxruntime] });
  const [exact, exported] = await Promise.all(
    [runners.reference, runners.onnxruntime].map(async (runner) => {
      const session = await runner.open(subject);
      const { probabilities } = await session.run(ids, rows, time);
      await session.dispose();
      return probabilities;
    }),
  );
  const errors = Float64Array.from(exact, (p, row) => Math.abs(p - exported[row])).sort();
  await classifier.dispose();
  console.log(
    `| ${seed} | ${bestEpoch} | ${(100 * accuracy).toFixed(2)} % | ${loss.toFixed(4)} | ${report.flips} | ${report.maxAbsError.toExponential(1)} | ${errors[Math.floor(0.999 * rows)].toExponential(1)} | ${report.smallestMargin.toExponential(1)} |`,
  );
}

const mean = accuracies.reduce((sum, value) => sum + value, 0) / seeds;
const spread = Math.sqrt(accuracies.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (seeds - 1));
console.log(
  `\nHeld-out accuracy over ${seeds} seeds: ${(100 * mean).toFixed(2)} % ± ${(100 * spread).toFixed(2)} (standard deviation).`,
);
