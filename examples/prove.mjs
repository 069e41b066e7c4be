/**
 * Proof in your own program that an exported file computes what was trained, to the last label.
 *
 *     node examples/prove.mjs
 */
import { fileURLToPath } from 'node:url';
import { train } from 'recurrent-onnx';
import { loadDataset } from 'recurrent-onnx/data';
import { exportOnnx } from 'recurrent-onnx/export';
import { createEncoder, planModel, zooModel } from 'recurrent-onnx/models';
import { assertParity, runners, runParity } from 'recurrent-onnx/parity';

const data = await loadDataset(fileURLToPath(new URL('data/mood', import.meta.url)));
const { model } = await train({ data, spec: zooModel('gru-masked').build, maxLength: 20, epochs: 10 });

const { vocabularySize } = planModel(model.spec);
const encoder = createEncoder({ ...model, vocabularySize });
const { ids, rows, time } = encoder.encodeAll(data.examples.map(({ text }) => text));

const report = await runParity({
  subject: { model, onnx: exportOnnx(model) },
  ...{ ids, rows, time },
  runners: [runners.reference, runners.onnxruntime],
});
assertParity(report);
console.log(`${report.examples} texts, ${report.flips} flips, largest error ${report.maxAbsError.toExponential(1)}`);
